"""Defines change sets as values: what one transaction did to one calendar, and how each rights class sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .rights import JUST_HIDDEN, Rights, redact
from .state import State


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a change set: its wire if it was upserted, or None if it was destroyed.

    `visibility` is the item's own, or `hidden` if the item is secret now and was not before. Then its id must be sent
    once more, and may be, because the receivers know it.
    """

    item: str
    wire: str | None
    visibility: str = "normal"


def merged(earlier: Entry | None, later: Entry) -> Entry:
    """Return one entry in place of two entries of the same item, for receivers who have seen neither."""
    if earlier is None or later.visibility != "secret" or earlier.visibility == "secret":
        return later
    return Entry(later.item, later.wire, JUST_HIDDEN)


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who made a change: an id as text, and a name for people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """One revision of one calendar. `entries` is None if they must be read from the log, because they are too many.

    `until`, in a replay only: the state of the later set that has the entries which this one, or one before it, lacks.
    """

    calendar: str
    old: State
    new: State
    entries: tuple[Entry, ...] | None
    actor: Actor | None = None
    mutation_id: str | None = None
    until: State | None = None


def latest(change_sets: Iterable[ChangeSet]) -> dict[str, Entry]:
    """Return one entry for each item that change sets of one calendar name, by its id: what the item is at their end.

    The entries are for receivers who have seen none of the change sets.
    """
    words: dict[str, Entry] = {}
    for change_set in change_sets:
        for entry in change_set.entries or ():
            words[entry.item] = merged(words.get(entry.item), entry)
    return words


def as_now(change_sets: Sequence[ChangeSet]) -> list[ChangeSet]:
    """Return consecutive change sets with each item only in the last set that names it.

    They are for receivers who have seen none of the sets. So an item is never sent as it once was, which may be more
    than the receiver may know now. All states are still passed. A set that does not change is returned as the same
    object. If a set has no entries, the sets before it lose theirs, because the items that it names are not known.
    """
    for index in reversed(range(len(change_sets))):
        if change_sets[index].entries is None:
            untold = [replace(change_set, entries=None) for change_set in change_sets[: index + 1]]
            return [*untold, *as_now(change_sets[index + 1 :])]
    words = latest(change_sets)
    last = {entry.item: index for index, change_set in enumerate(change_sets) for entry in change_set.entries or ()}
    ends = _ends(change_sets, last)
    told = []
    for index, change_set in enumerate(change_sets):
        entries = tuple(words[entry.item] for entry in change_set.entries or () if last[entry.item] == index)
        until = None if ends[index] == index else change_sets[ends[index]].new
        is_as_before = until is None and entries == change_set.entries
        told.append(change_set if is_as_before else replace(change_set, entries=entries, until=until))
    return told


def _ends(change_sets: Sequence[ChangeSet], last: dict[str, int]) -> list[int]:
    """Return, for each change set, the index of the last of the sets that are true only together with it."""
    ends: list[int] = []
    furthest = 0
    for index, change_set in enumerate(change_sets):
        furthest = max(furthest, index, *(last[entry.item] for entry in change_set.entries or ()))
        ends.append(furthest)
    for index in range(len(ends) - 2, -1, -1):  # a set that reaches into a later group belongs to that group
        if ends[index] > index:
            ends[index] = ends[index + 1]
    return ends


@dataclass(frozen=True, slots=True)
class Seen:
    """A change set's entries as one rights class sees them: upserted wires, and destroyed ids."""

    upserted: tuple[str, ...]
    destroyed: tuple[str, ...]


def seen_by(entries: tuple[Entry, ...], rights: Rights) -> Seen:
    """Redact entries for a rights class.

    An item that has become invisible to the class reads as destroyed. An item that the class never saw is left out.
    """
    upserted, destroyed = [], []
    for entry in entries:
        if entry.visibility == "secret" and rights != "full":
            continue
        wire = None if entry.wire is None else redact(entry.wire, entry.visibility, rights)
        if wire is None:
            destroyed.append(entry.item)
        else:
            upserted.append(wire)
    return Seen(tuple(upserted), tuple(destroyed))
