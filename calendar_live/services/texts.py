"""Checks texts that people type: the characters of any text, and the names of calendars and public links."""

from __future__ import annotations

from typing import Final

from ..errors import BadValue

_MAX_LENGTH: Final = 120


def is_text(value: str) -> bool:
    """Whether databases and answers can hold a text. They cannot hold NUL and lone surrogates."""
    return "\x00" not in value and not any(0xD800 <= ord(character) <= 0xDFFF for character in value)


def check_name(value: object) -> str:
    """Return a name without the white space around it. Raises BadValue."""
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise BadValue("name_missing")
    if not is_text(name):
        raise BadValue("bad_characters")
    if len(name) > _MAX_LENGTH:
        raise BadValue("too_long", limit=_MAX_LENGTH)
    return name
