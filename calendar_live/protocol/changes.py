"""Change sets as values: what one transaction did to one calendar, as each rights class sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from .rights import JUST_HIDDEN, Rights, redact
from .state import State


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a change set: its wire when it was upserted, None when it was destroyed.

    `visibility` is the item's, or `hidden` when it is secret now and was not before: its id may and must be said once more.
    """

    item: str
    wire: str | None
    visibility: str = "normal"


def merged(earlier: Entry | None, later: Entry) -> Entry:
    """Return one entry for two of the same item, as it is for those who have seen neither."""
    if earlier is None or later.visibility != "secret" or earlier.visibility == "secret":
        return later
    return Entry(later.item, later.wire, JUST_HIDDEN)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a change: an id as text and a name for people."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """One revision of one calendar. `entries` is None when they must be read from the log (too many to carry).

    `until`, in a replay only: the state of a later set, which says what this one or one before it no longer says.
    """

    calendar: str
    old: State
    new: State
    entries: tuple[Entry, ...] | None
    actor: Actor | None = None
    mutation_id: str | None = None
    until: State | None = None


def latest(change_sets: Iterable[ChangeSet]) -> dict[str, Entry]:
    """Return the last word on each item that change sets of one calendar name, by its id, for those who have seen none of them."""
    words: dict[str, Entry] = {}
    for change_set in change_sets:
        for entry in change_set.entries or ():
            words[entry.item] = merged(words.get(entry.item), entry)
    return words


def as_now(change_sets: Sequence[ChangeSet]) -> list[ChangeSet]:
    """Return change sets that follow each other, for those who have seen none of them: each item is in the last that names it alone.

    So nothing is told as it once was, which may be more than its receiver may know now. All states are still passed. Sets that say
    nothing else than before are the same objects. What lies before a set without entries has none either: what that one says is not known.
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
    """Return for each change set where the sets end that are only true together."""
    ends: list[int] = []
    furthest = 0
    for index, change_set in enumerate(change_sets):
        furthest = max(furthest, index, *(last[entry.item] for entry in change_set.entries or ()))
        ends.append(furthest)
    for index in range(len(ends) - 2, -1, -1):  # what reaches into a later group belongs to it
        if ends[index] > index:
            ends[index] = ends[index + 1]
    return ends


@dataclass(frozen=True, slots=True)
class Seen:
    """A change set's entries as one rights class sees them: upserted wires, and destroyed ids."""

    upserted: tuple[str, ...]
    destroyed: tuple[str, ...]


def seen_by(entries: tuple[Entry, ...], rights: Rights) -> Seen:
    """Redact entries for a rights class. What became invisible to it reads as destroyed; of what it never saw it hears nothing."""
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
