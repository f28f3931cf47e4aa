"""Checks what people call things; one rule for calendars and public links. Never reads or writes rows."""

from __future__ import annotations

from typing import Final

from .items.fields import is_text

_MAX_LENGTH: Final = 120


def check_name(value: object) -> str:
    """Return a name, cleaned. Raises ValueError with a message for people."""
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise ValueError("Give it a name.")
    if not is_text(name):
        raise ValueError("Contains characters that are not text.")
    if len(name) > _MAX_LENGTH:
        raise ValueError(f"Must be at most {_MAX_LENGTH} characters long.")
    return name
