"""Writes, reads, prunes and verifies the log of each calendar. Hosts import from here; see docs/architecture.md."""

from .read import Since, heads, named_after, read_entry, read_since
from .retention import prune
from .values import is_bulk, push_bytes
from .write import AlreadyDone, Change, change, change_committed, change_logged, new_nonce, open_calendar

__all__ = [
    "AlreadyDone",
    "Change",
    "Since",
    "change",
    "change_committed",
    "change_logged",
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
