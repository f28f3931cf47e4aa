"""Checks the values that callers give for the fields of a work item, without the database.

There is one rule per field, and all failures are reported at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from ... import conf
from ...errors import BadValue, Fault, Invalid
from ...models import WORDS, WorkItem, tag_key
from ...protocol import fields
from ...protocol.fields import Field, Kind
from ...schedule.ranges import EARLIEST, LATEST, is_time_zone
from ..texts import is_text

# The fields that may be set, by column.
SETTABLE: Final = {field.column: field for field in fields.SETTABLE}

MAX_LINK_LENGTH: Final = 2_000
MAX_TAG_LENGTH: Final = 50
MAX_TAGS: Final = 20
# Browsers read a backslash as a slash and remove line breaks, so a link has neither.
_LINK: Final = re.compile(r"https?://[^\s\\<>\"]+\Z", re.IGNORECASE)
_NO_TAG: Final = re.compile("[,\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")
_COLOR: Final = re.compile(r"#[0-9a-f]{6}\Z")


def check_fields(values: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    """Return the values, cleaned. Raises Invalid, naming each field at fault.

    `complete`: title, start and end must be among the values.
    """
    unknown = [name for name in values if name not in SETTABLE]
    if unknown:
        raise Invalid(fields={name: [Fault("unknown_field")] for name in unknown})
    cleaned: dict[str, Any] = {}
    faults: dict[str, list[Fault]] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _check(SETTABLE[name], value)
        except BadValue as bad:
            faults[SETTABLE[name].name] = [bad.fault]
    for name, field in SETTABLE.items() if complete else ():
        if field.required and name not in values:
            faults[field.name] = [Fault("required")]
    if faults:
        raise Invalid(fields=faults)
    return cleaned


def defaults() -> dict[str, Any]:
    """Return the defaults of the fields that need not be given for a new work item."""
    blank = WorkItem()
    return {name: getattr(blank, name) for name, field in SETTABLE.items() if not field.required}


def check_span(start: datetime, end: datetime, *, all_day: bool) -> None:
    """Raise Invalid unless an item may last from `start` to `end`.

    An all-day item starts and ends at midnight in UTC, and covers at least one day.
    """
    if end < start:
        raise Invalid(fields={"end": [Fault("before_start")]})
    if all_day and end == start:
        raise Invalid(fields={"end": [Fault("end_is_exclusive")]})
    for name, instant in (("start", start), ("end", end)):
        if all_day and (instant.hour, instant.minute, instant.second, instant.microsecond) != (0, 0, 0, 0):
            raise Invalid(fields={name: [Fault("not_date")]})


def _text(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise BadValue("not_text")
    cleaned = value.strip()
    if field.required and not cleaned:
        raise BadValue("required")
    if not is_text(cleaned):
        raise BadValue("bad_characters")
    limit: int = getattr(conf.app, field.limit)
    if len(cleaned) > limit:
        raise BadValue("too_long", limit=limit)
    return cleaned


def _word(field: Field, value: object) -> str:
    words = WORDS[field.column].values
    if not isinstance(value, str) or value not in words:
        raise BadValue("not_among", choices=words)
    return str(value)


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


def _link(value: object) -> str:
    if value in (None, ""):
        return ""
    cleaned = value.strip() if isinstance(value, str) else ""
    if len(cleaned) > MAX_LINK_LENGTH:
        raise BadValue("too_long", limit=MAX_LINK_LENGTH)
    try:
        address = urlsplit(cleaned)
        is_one = bool(_LINK.match(cleaned) and is_text(cleaned) and address.hostname and address.port != 0)
        names_somebody = "@" in address.netloc
    except ValueError:  # the port or the IPv6 address is not valid
        is_one = names_somebody = False
    if not is_one:
        raise BadValue("not_link")
    if names_somebody:
        raise BadValue("link_names_user")
    return cleaned


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadValue("not_texts")
    return list(check_tags(value).values())


def check_tags(texts: Iterable[str]) -> dict[str, str]:
    """Return tags by the keys by which they are compared, each once and without white space around it.

    Tags of an item and of a feed's filter obey the same rule. Raises BadValue.
    """
    tags: dict[str, str] = {}
    for one in texts:
        tags.setdefault(tag_key(one.strip()), one.strip())
    for tag in tags.values():
        if not 1 <= len(tag) <= MAX_TAG_LENGTH:
            raise BadValue("tag_length", limit=MAX_TAG_LENGTH)
        if not is_text(tag):
            raise BadValue("bad_characters")
        if _NO_TAG.search(tag):
            raise BadValue("tag_characters")
    if len(tags) > MAX_TAGS:
        raise BadValue("too_many_tags", limit=MAX_TAGS)
    return tags


def _parent(value: object) -> UUID | None:
    if value in (None, ""):
        return None
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise BadValue("not_item_id") from None


_CHECKS: Final[dict[Kind, Callable[[object], object]]] = {
    Kind.TIME: _instant,
    Kind.FLAG: _boolean,
    Kind.ZONE: _time_zone,
    Kind.PERCENT: _progress,
    Kind.COLOR: _color,
    Kind.PARENT: _parent,
    Kind.PEOPLE: _assignees,
    Kind.LINK: _link,
    Kind.TAGS: _tags,
}


def _check(field: Field, value: object) -> object:
    """Return the value of a field, cleaned. Raises BadValue, which says what is wrong with it."""
    match field.kind:
        case Kind.LINE | Kind.LINES:
            return _text(field, value)
        case Kind.WORD:
            return _word(field, value)
        case kind:
            return _CHECKS[kind](value)
