"""Decides who may see or edit what: turns memberships and public links into rights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from ..errors import Forbidden, NotFound, SignedOut
from ..models import Membership, PublicLink, Role, Shows
from ..protocol.rights import Access, Rights
from ..protocol.state import State
from .receivers import Receiver, link_receiver

User = AbstractBaseUser | AnonymousUser
UserKey = int | str

# Sent after commit with `receivers`: the keys of the receivers whose calendars, or whose view of them, have changed.
rights_changed = Signal()

_RIGHTS: Final[dict[str, Rights]] = {
    Role.OWNER: "full",
    Role.EDITOR: "full",
    Role.VIEWER: "shared",
    Role.FREEBUSY: "freebusy",
}
_EDITS: Final = frozenset({Role.OWNER, Role.EDITOR})
_LINK_RIGHTS: Final[dict[str, Rights]] = {Shows.FULL: "public", Shows.FREEBUSY: "freebusy"}
# The role of a public link, in place of a member's role.
LINK_ROLE: Final = "link"


@dataclass(frozen=True, slots=True)
class Standing:
    """One receiver's role and rights in one calendar, with the calendar's head, all read in one statement."""

    calendar: str
    role: str
    access: Access
    state: State

    @property
    def rights(self) -> Rights:
        return self.access.rights

    @property
    def may_edit(self) -> bool:
        return may_edit(self.role)


def standings(who: User | Receiver, *, calendars: Iterable[str | UUID] | None = None) -> list[Standing]:
    """Return someone's standings in the calendars they may see (all, or those named). One statement."""
    receiver = receiver_of(who)
    return standings_for([receiver], calendars=calendars)[receiver]


def standings_for(
    receivers: Iterable[Receiver], *, calendars: Iterable[str | UUID] | None = None
) -> dict[Receiver, list[Standing]]:
    """Return the standings of each of some receivers. One statement for all users, and one for all links."""
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
            mine = Standing(str(calendar), role, Access(_RIGHTS[role], version), State(revision, nonce))
            found[Receiver("user", str(user))].append(mine)
    if links:
        for link in open_links().filter(named, pk__in=links):
            mine = Standing(str(link.calendar_id), LINK_ROLE, access_of_link(link), link.calendar.state)
            found[link_receiver(link.pk)].append(mine)
    return found


def standing(who: User | Receiver, calendar: str | UUID) -> Standing:
    """Return someone's standing in a calendar. Raises NotFound, also when the calendar exists but they may not see it.

    Raises SignedOut for a public link that has ended, and for a user who was deactivated or deleted meanwhile.
    """
    receiver = receiver_of(who)
    for found in standings(receiver, calendars=[calendar]):
        return found
    if _is_over(receiver):
        raise SignedOut
    raise NotFound("no_calendar")


def _is_over(receiver: Receiver) -> bool:
    """Whether a receiver who was let in a moment ago would be refused now."""
    if receiver.kind == "link":
        return not standings(receiver)
    return not get_user_model()._default_manager.filter(pk=receiver.id, is_active=True).exists()


def open_links() -> QuerySet[PublicLink]:
    """Return the public links that are open now, each with its calendar."""
    lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return PublicLink.objects.filter(lasting, withdrawn_at=None, calendar__deleted_at=None).select_related("calendar")


def open_link(receiver: Receiver | None) -> PublicLink | None:
    """Return the public link that a receiver stands for, if it is open now."""
    return None if receiver is None or receiver.kind != "link" else open_links().filter(pk=receiver.id).first()


def access_of_link(link: PublicLink) -> Access:
    """Return the access token of a public link."""
    return Access(_LINK_RIGHTS[link.shows], link.version)


def require_edit(user: User, calendar: str | UUID) -> Standing:
    """Return a user's standing in a calendar they may edit. Raises Forbidden, and what `standing` raises."""
    found = standing(user, calendar)
    if not found.may_edit:
        raise Forbidden("view_only")
    return found


def memberships_of(user: User) -> QuerySet[Membership]:
    """Return a user's memberships, each with its calendar, in the user's own order."""
    return memberships_of_each([key_of(user)])


def memberships_of_each(users: Iterable[UserKey]) -> QuerySet[Membership]:
    """Return the memberships of some users, as `memberships_of` does."""
    return (
        Membership.objects.filter(user__in=list(users), user__is_active=True, calendar__deleted_at=None)
        .select_related("calendar")
        .order_by("position", "calendar__created_at", "calendar_id")
    )


def access_of(membership: Membership) -> Access:
    """Return the access token of a membership."""
    return Access(_RIGHTS[membership.role], membership.version)


def receivers_of(calendar: UUID) -> list[Receiver]:
    """Return every receiver of a calendar: its members and its public links, including links that have ended."""
    members = Membership.objects.filter(calendar=calendar).values_list("user_id", flat=True)
    links = PublicLink.objects.filter(calendar=calendar).values_list("pk", flat=True)
    return [*(Receiver("user", str(user)) for user in members), *map(link_receiver, links)]


def owner_receivers_of(calendar: UUID) -> list[Receiver]:
    """Return a calendar's owners."""
    owners = Membership.objects.filter(calendar=calendar, role=Role.OWNER).values_list("user_id", flat=True)
    return [Receiver("user", str(user)) for user in owners]


def display_name(user: User) -> str:
    """Return the name by which people know a user."""
    return str(getattr(user, "get_full_name", str)() or user.get_username())


def may_edit(role: str) -> bool:
    """Whether a role lets its user change work items."""
    return role in _EDITS


def receiver_of(who: User | Receiver) -> Receiver:
    """Return a user as a receiver. Raises NotFound for a user who is not signed in."""
    return who if isinstance(who, Receiver) else Receiver("user", str(key_of(who)))


def key_of(user: User) -> UserKey:
    """Return a user's primary key. Raises NotFound for a user who is not signed in, and so may see nothing."""
    if user.pk is None:
        raise NotFound
    key: UserKey = user.pk
    return key
