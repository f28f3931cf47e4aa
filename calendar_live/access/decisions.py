"""Who may see or edit what: the one place that turns a membership or a public link into rights. Never sends or stores anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Prefetch, Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from ..errors import Forbidden, NotFound, SignedOut
from ..models import Calendar, Membership, PublicLink, Role, Shows
from ..protocol.rights import Access, Rights
from ..protocol.state import State
from .receivers import Receiver, link_receiver

User = AbstractBaseUser | AnonymousUser
UserKey = int | str

# Sent after commit with `receivers`: the keys of those who see other calendars, or the same ones otherwise, than before.
rights_changed = Signal()

_RIGHTS: Final[dict[str, Rights]] = {
    Role.OWNER: "full",
    Role.EDITOR: "full",
    Role.VIEWER: "shared",
    Role.FREEBUSY: "freebusy",
}
_EDITS: Final = frozenset({Role.OWNER, Role.EDITOR})
_LINK_RIGHTS: Final[dict[str, Rights]] = {Shows.FULL: "public", Shows.FREEBUSY: "freebusy"}
# What stands where a member's role would.
LINK_ROLE: Final = "link"


@dataclass(frozen=True, slots=True)
class Standing:
    """One receiver's place in one calendar, and the calendar's head, read in one statement."""

    calendar: str
    role: str
    access: Access
    state: State

    @property
    def rights(self) -> Rights:
        return self.access.rights

    @property
    def may_edit(self) -> bool:
        return self.role in _EDITS


def standings(who: User | Receiver, *, calendars: Iterable[str | UUID] | None = None) -> list[Standing]:
    """Return where someone stands in the calendars they may see (all, or those named). One statement."""
    receiver = receiver_of(who)
    return standings_for([receiver], calendars=calendars)[receiver]


def standings_for(
    receivers: Iterable[Receiver], *, calendars: Iterable[str | UUID] | None = None
) -> dict[Receiver, list[Standing]]:
    """Return where each of some receivers stands. One statement for all who are users, one for all who are links."""
    found: dict[Receiver, list[Standing]] = {receiver: [] for receiver in receivers}
    users = [one.id for one in found if one.kind == "user"]
    links = [one.id for one in found if one.kind == "link"]
    named = Q() if calendars is None else Q(calendar__in=list(calendars))
    if users:
        rows = Membership.objects.filter(named, user__pk__in=users, user__is_active=True, calendar__deleted_at=None)
        values = rows.order_by("calendar__created_at", "calendar_id").values_list(
            "user_id", "calendar_id", "role", "version", "calendar__revision", "calendar__nonce"
        )
        for user, calendar, role, version, revision, nonce in values:
            place = Standing(str(calendar), role, Access(_RIGHTS[role], version), State(revision, nonce))
            found[Receiver("user", str(user))].append(place)
    if links:
        for link in open_links().filter(named, pk__in=links):
            place = Standing(str(link.calendar_id), LINK_ROLE, access_of_link(link), link.calendar.state)
            found[link_receiver(link.pk)].append(place)
    return found


def standing(who: User | Receiver, calendar: str | UUID) -> Standing:
    """Return someone's place in a calendar. Raises NotFound, also when there is such a calendar that they may not see.

    Raises SignedOut for a public link that has ended, and for a user who was deactivated or deleted after they were let in.
    """
    receiver = receiver_of(who)
    for found in standings(receiver, calendars=[calendar]):
        return found
    if _is_over(receiver):
        raise SignedOut
    raise NotFound("There is no such calendar that you may see.")


def _is_over(receiver: Receiver) -> bool:
    """Whether a receiver who was let in a moment ago would not be any more."""
    if receiver.kind == "link":
        return not standings(receiver)
    return not get_user_model()._default_manager.filter(pk=receiver.id, is_active=True).exists()


def open_links() -> QuerySet[PublicLink]:
    """Return the public links that hold now, each with its calendar."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return PublicLink.objects.filter(lasting, withdrawn_at=None, calendar__deleted_at=None).select_related("calendar")


def open_link(receiver: Receiver | None) -> PublicLink | None:
    """Return the public link that a receiver is, if it holds now."""
    return None if receiver is None or receiver.kind != "link" else open_links().filter(pk=receiver.id).first()


def access_of_link(link: PublicLink) -> Access:
    """Return the access token a public link stands for."""
    return Access(_LINK_RIGHTS[link.shows], link.version)


def require_edit(user: User, calendar: str | UUID) -> Standing:
    """Return a user's place in a calendar they may edit. Raises Forbidden, and as `standing`."""
    place = standing(user, calendar)
    if not place.may_edit:
        raise Forbidden("You may look at this calendar, but not change it.")
    return place


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return a user's memberships, each with the calendar they may see by it, in their own order."""
    return _memberships([key_of(user)])


def _memberships(users: Iterable[UserKey]) -> QuerySet[Membership]:
    return (
        Membership.objects.filter(user__in=list(users), user__is_active=True, calendar__deleted_at=None)
        .select_related("calendar")
        .order_by("position", "calendar__created_at", "calendar_id")
    )


def deleted_calendars_of(user: User, *, since: datetime) -> QuerySet[Calendar]:
    """Return the calendars a user owns that were deleted after an instant, newest first."""
    owned = Membership.objects.filter(user__pk=key_of(user), user__is_active=True, role=Role.OWNER)
    return Calendar.objects.filter(memberships__in=owned, deleted_at__gte=since).order_by("-deleted_at", "id")


def access_of(membership: Membership) -> Access:
    """Return the access token a membership stands for."""
    return Access(_RIGHTS[membership.role], membership.version)


def describe(mine: Membership) -> dict[str, object]:
    """Return a calendar as this member may see it: what its list and its `calendar` frame say.

    Free/busy members do not see who else is there; when invitations and links change, owners alone see that something did.
    Prefetch `calendar__memberships` with their users.
    """
    access, calendar = access_of(mine), mine.calendar
    others = [] if access.rights == "freebusy" else [other.user for other in calendar.memberships.all()]
    others.sort(key=key_of)  # databases give them in any order, and another order would look like news
    return {
        "id": str(calendar.pk),
        "name": calendar.name,
        "color": calendar.color,
        "timeZone": calendar.time_zone,
        "position": mine.position,
        "role": mine.role,
        "rights": access.rights,
        "access": str(access),
        "state": str(calendar.state),
        "people": [{"id": str(other.pk), "name": display_name(other)} for other in others],
        "sharing": calendar.sharing_version if mine.role == Role.OWNER else None,
        "offer": offer_to(mine, calendar.memberships.all()),
    }


def offer_to(mine: Membership, members: Iterable[Membership]) -> dict[str, object] | None:
    """Return the offer of ownership that a member may accept, if whoever made it is still an owner who can do anything."""
    for one in members:
        if one.user_id == mine.offered_by_id and one.role == Role.OWNER and one.user.is_active:
            return {"by": {"id": str(one.user_id), "name": display_name(one.user)}, "handsOver": mine.hands_over}
    return None


def describe_link(link: PublicLink) -> dict[str, object]:
    """Return a calendar as anybody may see it by a public link, in the form of `describe`. Nobody is named."""
    access, calendar = access_of_link(link), link.calendar
    return {
        "id": str(calendar.pk),
        "name": calendar.name,
        "color": calendar.color,
        "timeZone": calendar.time_zone,
        "position": 0,
        "role": LINK_ROLE,
        "rights": access.rights,
        "access": str(access),
        "state": str(calendar.state),
        "people": [],
        "sharing": None,
        "offer": None,
    }


@dataclass(frozen=True, slots=True)
class Grant:
    """Each calendar a receiver may see, as `describe` says, and until when if nobody does anything (None: for ever)."""

    calendars: list[dict[str, object]] = field(default_factory=list)
    until: datetime | None = None


def describe_all(who: User | Receiver) -> list[dict[str, object]]:
    """Return every calendar someone may see, as `describe` does."""
    receiver = receiver_of(who)
    return describe_for([receiver])[receiver].calendars


def describe_for(receivers: Iterable[Receiver]) -> dict[Receiver, Grant]:
    """Return what each of some receivers may see. Two statements for all who are users, one for all who are links."""
    found = {receiver: Grant() for receiver in receivers}
    users = [one.id for one in found if one.kind == "user"]
    links = [one.id for one in found if one.kind == "link"]
    if users:
        members = Prefetch("calendar__memberships", Membership.objects.select_related("user"))
        for mine in _memberships(users).prefetch_related(members):
            if mine in mine.calendar.memberships.all():  # not taken out between the two statements
                found[Receiver("user", str(mine.user_id))].calendars.append(describe(mine))
    if links:
        for link in open_links().filter(pk__in=links):
            found[link_receiver(link.pk)] = Grant([describe_link(link)], link.expires_at)
    return found


def receivers_of(calendar: UUID) -> list[Receiver]:
    """Return everyone who sees a calendar: its members, and its public links, also those that have ended."""
    members = Membership.objects.filter(calendar=calendar).values_list("user_id", flat=True)
    links = PublicLink.objects.filter(calendar=calendar).values_list("pk", flat=True)
    return [*(Receiver("user", str(user)) for user in members), *map(link_receiver, links)]


def owner_receivers_of(calendar: UUID) -> list[Receiver]:
    """Return a calendar's owners."""
    owners = Membership.objects.filter(calendar=calendar, role=Role.OWNER).values_list("user_id", flat=True)
    return [Receiver("user", str(user)) for user in owners]


def people_of(calendar: UUID) -> list[tuple[str, str]]:
    """Return (id, name) of a calendar's active members, by name."""
    members = Membership.objects.filter(calendar=calendar, user__is_active=True).select_related("user")
    return sorted(
        ((str(one.user_id), display_name(one.user)) for one in members), key=lambda person: person[1].casefold()
    )


def display_name(user: User) -> str:
    """Return the name people know a user by."""
    return str(getattr(user, "get_full_name", str)() or user.get_username())


def may_edit(membership: Membership) -> bool:
    """Whether a membership lets its user change work items."""
    return membership.role in _EDITS


def receiver_of(who: User | Receiver) -> Receiver:
    """Return the receiver that a user is. Raises NotFound for someone signed out."""
    return who if isinstance(who, Receiver) else Receiver("user", str(key_of(who)))


def key_of(user: User) -> UserKey:
    """Return a user's primary key. Raises NotFound for someone signed out: there is nothing that they may see."""
    if user.pk is None:
        raise NotFound
    key: UserKey = user.pk
    return key
