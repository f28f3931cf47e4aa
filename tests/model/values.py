"""Defines the values of the model: states, items, change sets, frames, requests and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Rights = Literal["full", "shared", "public", "freebusy"]
Span = tuple[int, int]

# Three overlapping ranges on one short time line.
RANGES: Final[tuple[Span, ...]] = ((0, 10), (6, 16), (12, 22))
HORIZON: Final = 22
# Small, so that short runs meet chunks, states-only broadcasts and bulk resets.
CHUNK_ENTRIES: Final = 2
BROADCAST_ENTRIES: Final = 3
BULK_ENTRIES: Final = 5


class State(NamedTuple):
    """A position in one calendar's log that also proves its history."""

    revision: int
    nonce: int

    def __str__(self) -> str:
        return f"{self.revision}.{self.nonce:016x}"


class Access(NamedTuple):
    """A rights class, and the version of the membership behind it."""

    rights: Rights
    version: int

    def __str__(self) -> str:
        return f"{self.rights}.{self.version}"


class Item(NamedTuple):
    """A wire. If `busy`, it is redacted for a receiver with few rights."""

    id: str
    calendar: str
    state: State
    start: int
    end: int
    title: str = ""
    visibility: str = "normal"
    parent: str | None = None
    busy: bool = False
    by: str = ""  # who changed it last; only members may know


class Entry(NamedTuple):
    """One item of a change set, or None if it was destroyed.

    An item that was `secret` before and after the change is not sent to most receivers.
    """

    id: str
    item: Item | None
    secret: bool = False


class ChangeSet(NamedTuple):
    """One revision of one calendar. `entries` is None if the log must be read. `until` is that of `Changes`."""

    calendar: str
    old: State
    new: State
    entries: tuple[Entry, ...] | None
    until: State | None = None


# --- frames ------------------------------------------------------------------------------------------------------


class Subscribe(NamedTuple):
    id: int
    calendar: str
    state: State | None
    access: Access | None


class Unsubscribe(NamedTuple):
    calendar: str


class Subscribed(NamedTuple):
    id: int
    calendar: str
    state: State
    access: Access


class Changes(NamedTuple):
    """`changes`. This set and those after it, up to the one with state `until`, are only true together."""

    calendar: str
    old: State
    new: State
    more: bool
    upserted: tuple[Item, ...]
    destroyed: tuple[str, ...]
    until: State | None = None


class Head(NamedTuple):
    states: tuple[tuple[str, State], ...]


class Reset(NamedTuple):
    calendar: str
    reason: str


class Withdrawn(NamedTuple):
    """`rights` with null: the user has lost the calendar."""

    calendar: str


class Granted(NamedTuple):
    """`calendar`: the calendar was shared with the user, or the user's role has changed."""

    calendar: str


class Refused(NamedTuple):
    """`error`, in answer to a subscribe."""

    id: int
    calendar: str


ServerFrame = Subscribed | Changes | Head | Reset | Withdrawn | Granted | Refused
ClientFrame = Subscribe | Unsubscribe

# --- HTTP --------------------------------------------------------------------------------------------------------


class FeedRequest(NamedTuple):
    calendar: str
    within: Span
    min_revision: int
    filtered: bool
    etag: tuple[State, Access] | None


class FeedAnswer(NamedTuple):
    """The answer to a feed request. `status` is 200, 304, 404 or 503. `rows` is None unless it is 200."""

    status: int
    state: State | None = None
    access: Access | None = None
    rows: tuple[Item, ...] | None = None


Kind = Literal["create", "edit", "delete", "restore", "move", "bulk"]


class Request(NamedTuple):
    """A mutation. `key` is its Idempotency-Key and mutation id."""

    kind: Kind
    user: str
    calendar: str
    ids: tuple[str, ...]
    key: str
    expected: State | None = None
    span: Span = (0, 1)
    visibility: str = "normal"
    parent: str | None = None
    children: Literal["delete", "reparent"] = "delete"
    target: str = ""


class Answer(NamedTuple):
    """The answer to a mutation: the new state of each calendar that it changed, and its first item after the change."""

    status: int
    states: tuple[tuple[str, State], ...] = ()
    item: Item | None = None


@dataclass(slots=True)
class Violation(Exception):
    """Raised when a run breaks an invariant or a rule."""

    invariant: str
    detail: str

    def __str__(self) -> str:
        return f"invariant {self.invariant}: {self.detail}"


def in_range(item: Item, within: Span) -> bool:
    """Return whether an item is in a half-open range. An item of zero length at the start of the range is."""
    return item.start < within[1] and (item.end > within[0] or item.start == within[0])


def redact(item: Item, rights: Rights) -> Item | None:
    """Return an item as a receiver with these rights sees it, or None if it is invisible."""
    if rights == "full":
        return item
    if item.visibility == "secret":
        return None
    if rights != "freebusy" and item.visibility == "normal":
        return item._replace(parent=None, by=item.by if rights == "shared" else "")
    return item._replace(title="", visibility="", parent=None, busy=True, by="")
