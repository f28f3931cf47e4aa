"""Checks the values that callers give for the fields of a work item, without the database.

There is one rule per field, and all failures are reported at once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit
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
_LINK: Final = re.compile("https?://", re.IGNORECASE)
# Browsers read a backslash as a slash.
_NOT_IN_LINK: Final = frozenset('\\<>"')
# The Unicode categories of controls, formats, lone surrogates and white space. In an address they could hide where it
# leads, and browsers remove some of them.
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp", "Zs"))
# Characters of other categories that show nothing either: fillers, variation selectors, the empty Braille pattern.
_BLANK: Final = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    r"\U000e0000-\U000e0fff]"
)
# https://url.spec.whatwg.org/#forbidden-host-code-points, and the characters that count as dots.
_NOT_IN_HOST: Final = re.compile(r"[\x00-\x20#%/:<>?@[\\\]^|\x7f]")
_DOTS: Final = ".\u3002\uff0e\uff61"
# Controls, line breaks, and what changes the direction of text. Other characters of the category Cf are parts of emoji.
_NOT_IN_TAG: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
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
    if not _NOT_IN_LINK.isdisjoint(cleaned) or not all(map(_is_seen, cleaned)):
        raise BadValue("link_characters")
    if _LINK.match(cleaned) is None:
        raise BadValue("not_link")
    try:
        address = urlsplit(cleaned)
        host, port = address.hostname or "", address.port
    except ValueError as error:  # the port or the IPv6 address is not valid
        raise BadValue("link_host") from error
    if port == 0 or not _is_host(host):
        raise BadValue("link_host")
    if "@" in address.netloc:
        raise BadValue("link_names_user")
    return cleaned


def _is_host(host: str) -> bool:
    """Whether a browser could open a host, whose percent escapes it decodes. Only an IPv6 address has colons."""
    decoded = unquote(host.replace(":", ""))
    return bool(decoded.strip(_DOTS)) and not _NOT_IN_HOST.search(decoded) and all(map(_is_seen, decoded))


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


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
        if "," in tag:
            raise BadValue("tag_comma")
        if _NOT_IN_TAG.search(tag):
            raise BadValue("tag_characters")
        if not any(map(_is_seen, _BLANK.sub("", tag))):
            raise BadValue("tag_unseen")
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
