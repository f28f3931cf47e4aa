"""Models the server's tables: calendars with their logs, items and memberships.

A back-up copies them, and a restore puts the copy back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.rules import Rules
from tests.model.values import BULK_ENTRIES, Access, Answer, ChangeSet, Entry, Item, State


class LogRow(NamedTuple):
    """A change set as it is stored, with its mutation's key and first answer."""

    new: State
    entries: tuple[Entry, ...]
    key: str
    answer: Answer | None


class CalendarRow(NamedTuple):
    state: State
    log: tuple[LogRow, ...]


class Row(NamedTuple):
    """A work item. Deleting is soft, so that Undo finds the item."""

    item: Item
    deleted: State | None


class CannotCalculate(Exception):
    """Raised when a state cannot be verified. The argument is the reason of the reset."""


@dataclass(slots=True)
class Database:
    calendars: dict[str, CalendarRow] = field(default_factory=dict)
    items: dict[str, Row] = field(default_factory=dict)
    places: dict[tuple[str, str], Access] = field(default_factory=dict)  # (user, calendar)
    kept_from: dict[str, int] = field(
        default_factory=dict
    )  # calendar -> the oldest revision that pruning has kept; for the witness

    def copy(self) -> Database:
        """Return a back-up. All rows are values, so it is enough to copy the tables."""
        return Database(dict(self.calendars), dict(self.items), dict(self.places), dict(self.kept_from))

    def head(self, calendar: str) -> State:
        return self.calendars[calendar].state

    def standing(self, user: str, calendar: str) -> tuple[Access, State] | None:
        """Return a user's access and the calendar's head, read in one statement."""
        access = self.places.get((user, calendar))
        return None if access is None else (access, self.head(calendar))

    def rows_of(self, calendar: str) -> list[Item]:
        return [row.item for row in self.items.values() if row.deleted is None and row.item.calendar == calendar]

    def prune(self, calendar: str, keep: int, wanted: set[str]) -> None:
        """Remove all but the newest `keep` log rows. Keep rows that a retry may still need, as the real log does."""
        row = self.calendars[calendar]
        cut = max(0, len(row.log) - max(1, keep))
        needed = [index for index, one in enumerate(row.log) if one.key in wanted]
        cut = min([cut, *needed])
        if cut:
            self.calendars[calendar] = row._replace(log=row.log[cut:])
            self.kept_from[calendar] = row.log[cut].new.revision

    def read_since(self, calendar: str, since: State, rules: Rules) -> list[ChangeSet]:
        """Return the change sets after a state. Raises CannotCalculate when the log does not hold it (invariant 6)."""
        log = self.calendars[calendar].log
        if rules.verify_kept and (not log or log[0].new.revision > since.revision):
            raise CannotCalculate("pruned")
        found = [row for row in log if row.new.revision >= since.revision]
        if rules.verify_nonce:
            if not found or (found[0].new != since and found[0].new.revision == since.revision):
                raise CannotCalculate("diverged")
        elif not found:
            return []
        if found[0].new.revision == since.revision:
            found = found[1:]
        if found and found[-1].new.revision - found[0].new.revision != len(found) - 1:
            raise CannotCalculate("pruned")
        return _as_sets(calendar, since, found)


def _as_sets(calendar: str, since: State, rows: list[LogRow]) -> list[ChangeSet]:
    sets, old = [], since
    for row in rows:
        entries = row.entries if len(row.entries) <= BULK_ENTRIES else None
        sets.append(ChangeSet(calendar, old, row.new, entries))
        old = row.new
    return sets
