"""Change sets as values: what one transaction did to one calendar, as each rights class sees it; never reads or sends anything."""

from __future__ import annotations

from dataclasses import dataclass

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
    """One revision of one calendar. `entries` is None when they must be read from the log (too many to carry)."""

    calendar: str
    old: State
    new: State
    entries: tuple[Entry, ...] | None
    actor: Actor | None = None
    mutation_id: str | None = None


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
