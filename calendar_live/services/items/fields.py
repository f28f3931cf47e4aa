"""Checks what people and programs want a work item to be; one rule per field, all failures at once. Never reads or writes rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from ... import conf
from ...errors import BadValue, Fault, Invalid
from ...models import Priority, Status, Visibility, WorkItem, WorkType
from ...schedule.ranges import EARLIEST, LATEST, is_time_zone
from ..texts import is_text

# Column -> name on the wire, for error messages; also the list of what may be set.
WIRE_NAMES: Final = {
    "title": "title",
    "start": "start",
    "end": "end",
    "all_day": "allDay",
    "time_zone": "timeZone",
    "color": "color",
    "work_type": "workType",
    "status": "status",
    "priority": "priority",
    "progress": "progress",
    "visibility": "visibility",
    "parent_id": "parent",
    "description": "description",
    "location": "location",
    "assignee_keys": "assignees",
}

_COLOR: Final = re.compile(r"#[0-9a-f]{6}\Z")


def check_fields(values: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    """Return the values, cleaned. `complete`: title, start and end must be among them. Raises Invalid naming each field at fault."""
    unknown = [name for name in values if name not in WIRE_NAMES]
    if unknown:
        raise Invalid(fields={name: [Fault("unknown_field")] for name in unknown})
    cleaned: dict[str, Any] = {}
    faults: dict[str, list[Fault]] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _CHECKS[name](value)
        except BadValue as bad:
            faults[WIRE_NAMES[name]] = [bad.fault]
    for name in ("title", "start", "end") if complete else ():
        if name not in values:
            faults[WIRE_NAMES[name]] = [Fault("required")]
    if faults:
        raise Invalid(fields=faults)
    return cleaned


def defaults() -> dict[str, Any]:
    """Return the fields of a new work item that need not be given."""
    blank = WorkItem()
    return {name: getattr(blank, name) for name in WIRE_NAMES if name not in ("title", "start", "end")}


def check_span(start: datetime, end: datetime, *, all_day: bool) -> None:
    """Raise Invalid unless an item may span from `start` to `end`. All-day items keep UTC midnights and cover a day at least."""
    if end < start:
        raise Invalid(fields={"end": [Fault("before_start")]})
    if all_day and end == start:
        raise Invalid(fields={"end": [Fault("end_is_exclusive")]})
    for name, instant in (("start", start), ("end", end)):
        if all_day and (instant.hour, instant.minute, instant.second, instant.microsecond) != (0, 0, 0, 0):
            raise Invalid(fields={name: [Fault("not_date")]})


def _text(limit: Callable[[], int], *, required: bool = False) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str):
            raise BadValue("not_text")
        cleaned = value.strip()
        if required and not cleaned:
            raise BadValue("required")
        if not is_text(cleaned):
            raise BadValue("bad_characters")
        if len(cleaned) > limit():
            raise BadValue("too_long", limit=limit())
        return cleaned

    return check


def _choice(choices: type[WorkType] | type[Status] | type[Priority] | type[Visibility]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices.values:
            raise BadValue("not_among", choices=choices.values)
        return str(value)

    return check


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadValue("not_instant")
    instant = value.astimezone(UTC).replace(microsecond=0)
    if not EARLIEST <= instant <= LATEST:
        raise BadValue("out_of_bounds", earliest=EARLIEST.date(), latest=LATEST.date())
    return instant


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadValue("not_boolean")
    return value


def _progress(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise BadValue("not_percent")
    return value


def _color(value: object) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or _COLOR.match(value.lower()) is None:
        raise BadValue("not_color")
    return value.lower()


def _time_zone(value: object) -> str:
    if not isinstance(value, str) or not is_time_zone(value):
        raise BadValue("not_zone")
    return value


def _assignees(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadValue("not_user_ids")
    if len(value) > conf.app.MAX_ASSIGNEES:
        raise BadValue("too_many_assignees", limit=conf.app.MAX_ASSIGNEES)
    return sorted(set(value))


def _parent(value: object) -> UUID | None:
    if value in (None, ""):
        return None
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise BadValue("not_item_id") from None


_CHECKS: Final[dict[str, Callable[[object], object]]] = {
    "title": _text(lambda: conf.app.MAX_TITLE_LENGTH, required=True),
    "start": _instant,
    "end": _instant,
    "all_day": _boolean,
    "time_zone": _time_zone,
    "color": _color,
    "work_type": _choice(WorkType),
    "status": _choice(Status),
    "priority": _choice(Priority),
    "progress": _progress,
    "visibility": _choice(Visibility),
    "parent_id": _parent,
    "description": _text(lambda: conf.app.MAX_DESCRIPTION_LENGTH),
    "location": _text(lambda: conf.app.MAX_LOCATION_LENGTH),
    "assignee_keys": _assignees,
}
