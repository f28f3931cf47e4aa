"""Checks and encodes event objects, and recognizes sound wires without parsing them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from .fields import FIELDS, NEUTRAL, PLACE, Field, Kind

Check = Callable[[object], bool]

# Every wire begins with this, whatever its source. A constraint in the database requires it of each row.
BEGINNING: Final = '{"id":"'

# An http or https address, or one below the site's. No client may follow an address with any other scheme.
_LINK = re.compile(r"(https?:|[^:/?#]*([/?#]|\Z))", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z", re.ASCII)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


def _is_text(value: object) -> bool:
    return isinstance(value, str | UUID)  # a UUID is encoded as text


def _is_uuid(value: object) -> bool:
    return isinstance(value, UUID) or (isinstance(value, str) and _UUID.match(value) is not None)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(_is_text(one) for one in value)


# What a field of each kind must be. The page's own guard, frontend/src/protocol/item.ts, accepts everything that passes
# here.
_CHECKS: Final[Mapping[Kind, tuple[Check, str]]] = {
    Kind.FLAG: (lambda value: isinstance(value, bool), "True or False"),
    Kind.COLOR: (lambda value: isinstance(value, str) and _COLOR.match(value) is not None, "#rrggbb"),
    Kind.PERCENT: (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100,
        "a whole number from 0 to 100",
    ),
    **dict.fromkeys((Kind.ID, Kind.PARENT), (_is_uuid, "a lower-case UUID")),
    Kind.LINK: (
        lambda value: isinstance(value, str) and _LINK.match(value) is not None,
        "an http or https address, or a path",
    ),
    **dict.fromkeys((Kind.PEOPLE, Kind.TAGS, Kind.TEXTS), (_is_texts, "a list of text")),
}
_TEXT: Final = (_is_text, "text")
# All fields but those of the item's place and times, which `fault_of` checks separately.
_OF_A_SOURCE: Final = tuple(field for field in FIELDS if field.name not in PLACE and field.kind is not Kind.TIME)


def _wrong(field: Field, value: object) -> str | None:
    """Return what the value of a field should be, or None if the value is right."""
    if value is None and field.may_be_null:
        return None
    if field.words:
        first = ", ".join(map(repr, field.words[:-1]))
        return None if value in field.words else f"{first} or {field.words[-1]!r}"
    check, wanted = _CHECKS.get(field.kind, _TEXT)
    if check(value):
        return None
    return f"{wanted} or None" if field.may_be_null else wanted


def fault_of(event: Mapping[str, object], place: Mapping[str, object]) -> str | None:
    """Return what is wrong with a complete event object, naming the field, or None if nothing is.

    `place`: the `id`, `calendar` and `state` that it must have.
    """
    for name, own in place.items():
        if event[name] != own:
            return f"{name} is {_shown(event[name])}; it must be left out (it is {own!r})"
    for name in ("id", "calendar"):
        if not _is_uuid(place[name]):
            return f"{name} is {_shown(place[name])}; it must be a lower-case UUID"
    if "busy" in event:
        return "busy must be left out: clients read any item that has it as a busy block"
    for field in _OF_A_SOURCE:
        wanted = _wrong(field, event[field.name])
        if wanted is not None:
            return f"{field.name} is {_shown(event[field.name])}; it must be {wanted}"
    return _fault_of_times(event["start"], event["end"], all_day=bool(event["allDay"]))


def _fault_of_times(start: object, end: object, *, all_day: bool) -> str | None:
    shape = _DATE if all_day else _INSTANT
    wanted = "a date as '2026-11-22' (allDay)" if all_day else "a UTC instant as '2026-11-22T09:00:00Z'"
    for name, value in (("start", start), ("end", end)):
        if not (isinstance(value, str) and shape.match(value) and _exists(value)):
            return (
                f"{name} is {_shown(value)}; it must be {wanted}, which calendar_live.schedule.ranges.format_time makes"
            )
    if str(end) < str(start):  # texts of the same shape are in the order of their times
        return f"end is {_shown(end)}; it must not be before start ({start!r})"
    return None


def _exists(time: str) -> bool:
    try:
        datetime.fromisoformat(time)
    except ValueError:
        return False
    return True


def _shown(value: object) -> str:
    return f"{str(value)[:60]!r} ({type(value).__name__})"


def encode(event: Mapping[str, object]) -> str:
    """Return an event object as JSON text, without fields that are null."""
    return orjson.dumps({name: value for name, value in event.items() if value is not None}).decode()


def whole(wire: str) -> dict[str, object]:
    """Return the event object of a wire with every declared field, in order. Absent fields have neutral values."""
    event: dict[str, object] = orjson.loads(wire)
    return NEUTRAL | event


def bare(wire: str) -> str:
    """Return a stored wire as it is sent, without nulls. Versions before protocol 2 stored nulls.

    A wire that has none is returned unchanged.
    """
    return encode(whole(wire)) if ":null" in wire else wire


def with_nulls(wire: str) -> str:
    """Return a wire in the form that versions before protocol 2 write and need."""
    return orjson.dumps(whole(wire)).decode()


def is_sound(wire: str, *, item: object, calendar: object) -> bool:
    """Whether a wire is one that a source wrote for this item of this calendar, by its beginning and its end."""
    return wire.startswith(f'{BEGINNING}{item}","calendar":"{calendar}","state":"') and wire.endswith("}")
