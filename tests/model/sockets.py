"""Holds what a hub knows about sockets and their subscriptions, and cuts change sets into frames for them (S4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.model.rules import Rules
from tests.model.values import (
    CHUNK_ENTRIES,
    Access,
    Changes,
    ChangeSet,
    ClientFrame,
    Entry,
    Rights,
    ServerFrame,
    State,
    Subscribe,
    redact,
)


@dataclass(eq=False, slots=True)
class Socket:
    """One connection with its two queues. If `dead`, the network is lost: nothing passes, and neither end knows."""

    user: str
    to_client: deque[ServerFrame] = field(default_factory=deque)
    to_server: deque[ClientFrame] = field(default_factory=deque)
    waiting: deque[ClientFrame] = field(default_factory=deque)  # received, but not begun
    dead: bool = False

    def push(self, frame: ServerFrame) -> None:
        if not self.dead:
            self.to_client.append(frame)


@dataclass(eq=False, slots=True)
class Member:
    """One socket's subscription to one calendar. `waiting` is None once it is live."""

    socket: Socket
    access: Access | None
    waiting: list[ChangeSet] | None = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Served:
    head: State
    members: dict[Socket, Member] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Task:
    """A subscribe that is being answered. Each stage is one await of the real hub; anything may happen between two."""

    socket: Socket
    frame: Subscribe
    stage: str
    access: Access | None = None
    seen: State | None = None
    member: Member | None = None
    missed: list[ChangeSet] | None = None


def is_behind(head: State, state: State) -> bool:
    return state.revision > head.revision or (state.revision == head.revision and state != head)


def cut(change_set: ChangeSet, rights: Rights, rules: Rules) -> Iterable[Changes]:
    """Yield the frames of a change set for one rights class (S4).

    An item that became invisible is sent as destroyed; an item that already was invisible is not named.
    """
    entries = [entry for entry in change_set.entries or () if rights == "full" or not entry.secret]
    if change_set.entries and not entries and not rules.hidden_sets_sent:
        return
    seen = [(entry.id, None if entry.item is None else redact(entry.item, rights)) for entry in entries]
    parts = [seen[at : at + CHUNK_ENTRIES] for at in range(0, len(seen), CHUNK_ENTRIES)] or [[]]
    for number, part in enumerate(parts, start=1):
        yield Changes(
            change_set.calendar,
            change_set.old,
            change_set.new,
            rules.chunks_say_more and number < len(parts),
            tuple(item for _, item in part if item is not None),
            tuple(item_id for item_id, item in part if item is None),
            change_set.until if rules.groups_marked else None,
        )


def as_now(sets: list[ChangeSet]) -> list[ChangeSet]:
    """Return consecutive change sets with each item only in the last set that names it (S3).

    The last bulk set and those before it get no entries, because a bulk set resets the client anyway.
    """
    bulk = max((number for number, one in enumerate(sets, start=1) if one.entries is None), default=0)
    rest = sets[bulk:]
    words: dict[str, tuple[int, Entry]] = {}
    for number, one in enumerate(rest):
        for entry in one.entries or ():
            was_secret = entry.id not in words or words[entry.id][1].secret
            words[entry.id] = number, entry._replace(secret=entry.secret and was_secret)
    told = [one._replace(entries=None) for one in sets[:bulk]]
    for number, one in enumerate(rest):
        entries = tuple(words[entry.id][1] for entry in one.entries or () if words[entry.id][0] == number)
        told.append(one._replace(entries=entries, until=_true_at(rest, number, words)))
    return told


def _true_at(sets: list[ChangeSet], number: int, words: dict[str, tuple[int, Entry]]) -> State | None:
    """Return the state by which everything is sent that the sets up to `number` lack. None means their own state."""
    end = number
    for at, one in enumerate(sets):
        if at <= end:
            end = max([end, *(words[entry.id][0] for entry in one.entries or ())])
    return None if end == number else sets[end].new
