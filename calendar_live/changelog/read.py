"""Reads the log: the heads of calendars, and what changed after a state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from ..errors import CannotCalculateChanges
from ..models.calendar import Calendar
from ..models.log import ChangeSet, Entry
from ..protocol import changes
from ..protocol.state import State
from ..sources import is_sound
from .values import actor_of, is_bulk


@dataclass(frozen=True, slots=True)
class Since:
    """The change sets after a state, oldest first. `has_more`: there are others after the last of them."""

    change_sets: tuple[changes.ChangeSet, ...]
    has_more: bool


def read_since(calendar: str, since: State, *, max_sets: int, max_bytes: int) -> Since:
    """Return what changed after a state: at most so many sets and bytes, but at least one set.

    Bulk sets come without entries. Raises CannotCalculateChanges when the log has no row of that revision and nonce
    (invariant 6).
    """
    found = list(
        ChangeSet.objects.filter(calendar=UUID(calendar), revision__gte=since.revision)
        .select_related("actor")
        .order_by("revision")[: max_sets + 2]
    )
    if found and found[0].revision > since.revision:
        raise CannotCalculateChanges("pruned")
    if not found or found[0].state != since:
        raise CannotCalculateChanges("diverged")
    if any(later.revision != earlier.revision + 1 for earlier, later in pairwise(found)):
        raise CannotCalculateChanges("pruned")
    taken = _within(found[1 : max_sets + 1], max_bytes)
    entries = _entries_of([row for row in taken if not is_bulk(row.entry_count, row.wire_bytes)])
    sets = tuple(
        _as_value(earlier, later, entries.get(later.pk)) for earlier, later in pairwise(found[: len(taken) + 1])
    )
    return Since(sets, has_more=len(found) - 1 > len(taken))


def named_after(calendar: str, state: State, items: Iterable[str]) -> set[str]:
    """Return those of some items that the log names after a state. What it said of them before is out of date."""
    later = Entry.objects.filter(
        change_set__calendar=UUID(calendar),
        change_set__revision__gt=state.revision,
        item__in=[UUID(one) for one in items],
    )
    return {str(item) for item in later.values_list("item", flat=True)}


def _within(rows: list[ChangeSet], max_bytes: int) -> list[ChangeSet]:
    taken: list[ChangeSet] = []
    total = 0
    for row in rows:
        bulk = is_bulk(row.entry_count, row.wire_bytes)
        total += 0 if bulk else row.wire_bytes
        if taken and total > max_bytes:
            break
        taken.append(row)
    return taken


def _entries_of(rows: list[ChangeSet]) -> dict[int, tuple[changes.Entry, ...]]:
    """Return the entries of change sets. Raises CannotCalculateChanges when some have been pruned meanwhile."""
    entries: dict[int, list[changes.Entry]] = {row.pk: [] for row in rows}
    values = Entry.objects.filter(change_set__in=[row.pk for row in rows if row.entry_count]).order_by("id")
    calendars = {row.pk: str(row.calendar_id) for row in rows}
    for key, item, wire, visibility in values.values_list("change_set_id", "item", "wire", "visibility"):
        entries[key].append(read_entry(str(item), wire, visibility, calendar=calendars[key]))
    if any(len(entries[row.pk]) != row.entry_count for row in rows):
        raise CannotCalculateChanges("pruned")
    return {key: tuple(found) for key, found in entries.items()}


def read_entry(item: str, wire: str | None, visibility: str, *, calendar: str) -> changes.Entry:
    """Return an entry that was logged or announced. An item with an unsound wire reads as destroyed."""
    if wire is not None and not is_sound(wire, item=item, calendar=calendar):
        wire = None
    return changes.Entry(item, wire, visibility)


def _as_value(earlier: ChangeSet, later: ChangeSet, entries: tuple[changes.Entry, ...] | None) -> changes.ChangeSet:
    return changes.ChangeSet(
        calendar=str(later.calendar_id),
        old=earlier.state,
        new=later.state,
        entries=entries,
        actor=actor_of(later.actor),
        mutation_id=None if later.mutation_id is None else str(later.mutation_id),
    )


def heads(calendars: Iterable[str]) -> dict[str, State]:
    """Return the heads of those calendars that exist. One statement."""
    rows = Calendar.objects.filter(pk__in=list(calendars), deleted_at=None).values_list("pk", "revision", "nonce")
    return {str(calendar): State(revision, nonce) for calendar, revision, nonce in rows}
