"""Creates, changes, deletes and restores calendars, and gives users roles in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from .. import changelog, conf
from ..access import User, key_of, receivers_of
from ..errors import BadValue, Fault, Invalid, NotFound
from ..models import Calendar, Role
from ..schedule.ranges import is_time_zone
from .receipts import once
from .roles import lock, owners, put_in_trash, put_role, require_owner, take_role
from .telling import tell, tell_of_sharing
from .texts import check_name

_COLOR: Final = re.compile(r"#[0-9a-f]{6}\Z")


def create_calendar(
    name: str = "",
    *,
    actor: User,
    color: str = "#2563eb",
    time_zone: str = "UTC",
    calendar_id: UUID | None = None,
    mutation_id: UUID | None = None,
) -> Calendar:
    """Create a calendar that `actor` owns.

    Raises Invalid. Raises NotFound if the request is repeated and its calendar was deleted for good.
    """
    values = {"name": name, "color": color, "time_zone": time_zone}
    with once(actor, mutation_id, "create_calendar", values) as doing:
        if doing.repeats():
            return _find(UUID(doing.made["calendar"]))
        calendar = Calendar(**_checked(values))
        if calendar_id is not None:
            calendar.id = calendar_id
        changelog.open_calendar(calendar, actor=actor)
        set_role(calendar, member=actor, role=Role.OWNER)
        doing.made = {"calendar": str(calendar.pk)}
    return calendar


def _find(calendar_id: UUID) -> Calendar:
    for calendar in Calendar.objects.filter(pk=calendar_id):
        return calendar
    raise NotFound("no_calendar")


def edit_calendar(
    calendar_id: UUID, *, actor: User, changes: Mapping[str, str], mutation_id: UUID | None = None
) -> None:
    """Rename or recolour a calendar, or set its time zone. Raises NotFound, Forbidden or Invalid.

    The change set is empty, because the wire of an item contains nothing of its calendar but the id.
    """
    with once(actor, mutation_id, "edit_calendar", calendar_id, changes) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return
        with changelog.change(calendar_id, actor=actor):
            require_owner(actor, calendar_id)
            Calendar.objects.filter(pk=calendar_id).update(**_checked(changes))
            tell(receivers_of(calendar_id))


def delete_calendar(calendar_id: UUID, *, actor: User, mutation_id: UUID | None = None) -> None:
    """Delete a calendar softly, with everything in it. Raises NotFound or Forbidden."""
    with once(actor, mutation_id, "delete_calendar", calendar_id) as doing:
        if doing.repeats(lambda: _require_own(actor, calendar_id)):
            return
        with changelog.change(calendar_id, actor=actor):
            require_owner(actor, calendar_id)
            put_in_trash(calendar_id)


def _require_own(actor: User, calendar_id: UUID) -> None:
    """Raise NotFound or Forbidden unless a user owns a calendar, which may be in the trash."""
    if not owners(calendar_id).filter(user_id=key_of(actor)).exists():
        require_owner(actor, calendar_id)


def restore_calendar(calendar_id: UUID, *, actor: User, mutation_id: UUID | None = None) -> None:
    """Give a deleted calendar back to its members, with everything in it. Its history continues.

    Raises NotFound if no such calendar is in the trash, if its time there is over, or if `actor` does not own it.
    """
    with once(actor, mutation_id, "restore_calendar", calendar_id) as doing:
        if doing.repeats(lambda: _require_own(actor, calendar_id)):
            return
        since = timezone.now() - timedelta(days=conf.app.TRASH_DAYS)
        found = Calendar.objects.select_for_update().filter(pk=calendar_id, deleted_at__gte=since)
        if not found.exists() or not owners(calendar_id).filter(user_id=key_of(actor)).exists():
            raise NotFound("no_calendar_in_trash")
        found.update(deleted_at=None)
        with changelog.change(calendar_id, actor=actor):
            tell(receivers_of(calendar_id))


def set_role(calendar: Calendar, *, member: User, role: Role) -> None:
    """Give a user a role in a calendar, in place of any role they had.

    The membership gets a new version, which tells new access tokens from old ones. Raises Invalid if the calendar would
    be left without an owner, or with too many members.
    """
    with transaction.atomic():
        lock(calendar.pk)
        put_role(calendar.pk, key_of(member), role)
        tell_of_sharing(calendar.pk, told=receivers_of(calendar.pk))


def remove_member(calendar: Calendar, *, member: User) -> None:
    """Take a user's role in a calendar away, and remove them from its items. Raises Invalid for its last owner."""
    with transaction.atomic():
        lock(calendar.pk)
        told = receivers_of(calendar.pk)
        take_role(calendar.pk, key_of(member))
        tell_of_sharing(calendar.pk, told=told)


def _checked(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values, cleaned. Raises Invalid, naming each field at fault."""
    cleaned = {name: value.strip() for name, value in values.items()}
    faults: dict[str, list[Fault]] = {}
    if "name" in cleaned:
        try:
            check_name(cleaned["name"])
        except BadValue as bad:
            faults["name"] = [bad.fault]
    if "color" in cleaned:
        cleaned["color"] = cleaned["color"].lower()
    if _COLOR.match(cleaned.get("color", "#000000").lower()) is None:
        faults["color"] = [Fault("not_color")]
    if not is_time_zone(cleaned.get("time_zone", "UTC")):
        faults["timeZone"] = [Fault("not_zone")]
    if faults:
        raise Invalid(fields=faults)
    return cleaned
