"""Who may see or edit what: the one place that turns a membership into rights. Never sends or stores anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.dispatch import Signal

from .errors import Forbidden, NotFound
from .models import Calendar, Membership, Role
from .protocol.rights import Access, Rights
from .protocol.state import State

User = AbstractBaseUser | AnonymousUser
UserKey = int | str

# Sent after commit with `user_ids`, of whom each sees other calendars, or the same ones otherwise, than before.
rights_changed = Signal()

_RIGHTS: Final[dict[str, Rights]] = {
    Role.OWNER: "full",
    Role.EDITOR: "full",
    Role.VIEWER: "shared",
    Role.FREEBUSY: "freebusy",
}
_EDITS: Final = frozenset({Role.OWNER, Role.EDITOR})


@dataclass(frozen=True, slots=True)
class Standing:
    """One user's place in one calendar, and the calendar's head, read in one statement."""

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


def standings(user_id: UserKey, *, calendars: Iterable[str | UUID] | None = None) -> list[Standing]:
    """Return where a user stands in the calendars they may see (all, or those named). One statement."""
    rows = Membership.objects.filter(user_id=user_id, user__is_active=True, calendar__deleted_at=None)
    if calendars is not None:
        rows = rows.filter(calendar__in=list(calendars))
    values = rows.order_by("calendar__created_at", "calendar_id").values_list(
        "calendar_id", "role", "version", "calendar__revision", "calendar__nonce"
    )
    return [
        Standing(str(calendar), role, Access(_RIGHTS[role], version), State(revision, nonce))
        for calendar, role, version, revision, nonce in values
    ]


def standing(user: User, calendar: str | UUID) -> Standing:
    """Return a user's place in a calendar. Raises NotFound, also when there is such a calendar that they may not see."""
    found = standings(key_of(user), calendars=[calendar])
    if not found:
        raise NotFound("There is no such calendar that you may see.")
    return found[0]


def require_edit(user: User, calendar: str | UUID) -> Standing:
    """Return a user's place in a calendar they may edit. Raises NotFound or Forbidden."""
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

    Free/busy members do not see who else is there. Prefetch `calendar__memberships__user`.
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
    }


def describe_all(user: User) -> list[dict[str, object]]:
    """Return every calendar a user may see, as `describe` does."""
    return describe_for([key_of(user)])[key_of(user)]


def describe_for(users: Iterable[UserKey]) -> dict[UserKey, list[dict[str, object]]]:
    """Return every calendar that each of some users may see, as `describe` does. As many statements as for one user."""
    found: dict[UserKey, list[dict[str, object]]] = {user: [] for user in users}
    for mine in _memberships(found).prefetch_related("calendar__memberships__user"):
        found[mine.user_id].append(describe(mine))
    return found


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


def key_of(user: User) -> UserKey:
    """Return a user's primary key. Raises NotFound for someone signed out: there is nothing that they may see."""
    if user.pk is None:
        raise NotFound
    key: UserKey = user.pk
    return key
