"""Tells the size of a change set and who made it, for writing and for reading."""

from __future__ import annotations

from collections.abc import Iterable

from ..access import User, display_name
from ..protocol import changes
from ..protocol.frames import BULK_BYTES, BULK_ENTRIES


def push_bytes(entries: Iterable[changes.Entry]) -> int:
    """Return approximately how many bytes some entries take in a frame."""
    return sum(len(entry.wire.encode()) if entry.wire is not None else len(entry.item) + 3 for entry in entries)


def is_bulk(entry_count: int, wire_bytes: int) -> bool:
    """Whether a change set is too large to push, so that receivers load the feed again."""
    return entry_count > BULK_ENTRIES or wire_bytes > BULK_BYTES


def actor_of(user: User | None) -> changes.Actor | None:
    """Return a user as the author of a change, or None for a change by nobody."""
    if user is None or user.pk is None:
        return None
    return changes.Actor(str(user.pk), display_name(user))
