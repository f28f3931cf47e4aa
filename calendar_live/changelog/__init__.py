"""The log of each calendar. Hosts import from here; see docs/embedding.md."""

from .write import (
    AlreadyDone,
    Change,
    Since,
    change,
    change_committed,
    heads,
    is_bulk,
    named_after,
    new_nonce,
    open_calendar,
    prune,
    push_bytes,
    read_entry,
    read_since,
)

__all__ = [
    "AlreadyDone",
    "Change",
    "Since",
    "change",
    "change_committed",
    "heads",
    "is_bulk",
    "named_after",
    "new_nonce",
    "open_calendar",
    "prune",
    "push_bytes",
    "read_entry",
    "read_since",
]
