"""Checks what people and programs want a work item to be; one rule per field, all failures at once. Never reads or writes rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from ... import conf
from ...errors import Invalid
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
        raise Invalid(fields={name: ["There is no such field."] for name in unknown})
    cleaned: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _CHECKS[name](value)
        except ValueError as error:
            faults[WIRE_NAMES[name]] = [str(error)]
    for name in ("title", "start", "end") if complete else ():
        if name not in values:
            faults[WIRE_NAMES[name]] = ["This field is required."]
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
        raise Invalid(fields={"end": ["Must not be before the start."]})
    if all_day and end == start:
        raise Invalid(fields={"end": ["Must be after the start: the end of an all-day item is exclusive."]})
    for name, instant in (("start", start), ("end", end)):
        if all_day and (instant.hour, instant.minute, instant.second, instant.microsecond) != (0, 0, 0, 0):
            raise Invalid(fields={name: ["Must be a date when the item is all-day."]})


def _text(limit: Callable[[], int], *, required: bool = False) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str):
            raise ValueError("Must be text.")
        cleaned = value.strip()
        if required and not cleaned:
            raise ValueError("This field is required.")
        if not is_text(cleaned):
            raise ValueError("Contains characters that are not text.")
        if len(cleaned) > limit():
            raise ValueError(f"Must be at most {limit()} characters long.")
        return cleaned

    return check


def _choice(choices: type[WorkType] | type[Status] | type[Priority] | type[Visibility]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in choices.values:
            raise ValueError(f"Must be one of: {', '.join(choices.values)}.")
        return str(value)

    return check


def _instant(value: object) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("Must be a date-time with a time zone.")
    instant = value.astimezone(UTC).replace(microsecond=0)
    if not EARLIEST <= instant <= LATEST:
        raise ValueError(f"Must be from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}.")
    return instant


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Must be true or false.")
    return value


def _progress(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise ValueError("Must be a whole number from 0 to 100.")
    return value


def _color(value: object) -> str:
    if value in (None, ""):
        return ""
    if not isinstance(value, str) or _COLOR.match(value.lower()) is None:
        raise ValueError("Must be a colour as #2563eb.")
    return value.lower()


def _time_zone(value: object) -> str:
    if not isinstance(value, str) or not is_time_zone(value):
        raise ValueError("Must be the name of a time zone, as Asia/Manila.")
    return value


def _assignees(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("Must be a list of user ids.")
    if len(value) > conf.app.MAX_ASSIGNEES:
        raise ValueError(f"At most {conf.app.MAX_ASSIGNEES} people work on one item.")
    return sorted(set(value))


def _parent(value: object) -> UUID | None:
    if value in (None, ""):
        return None
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise ValueError("Must be the id of a work item.") from None


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
