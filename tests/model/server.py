"""The whole server: database, services, feed with its versioned cache, two processes with hubs, and the layer between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from tests.model.database import Database
from tests.model.history import History
from tests.model.hub import Hub
from tests.model.rules import Rules
from tests.model.services import Plan, Services
from tests.model.values import (
    BROADCAST_ENTRIES,
    Access,
    Answer,
    ChangeSet,
    FeedAnswer,
    FeedRequest,
    Item,
    Request,
    Rights,
    State,
    in_range,
    redact,
)

CALENDARS = ("a", "b")
USERS = ("ana", "ben", "cara")
HUBS = 2
PROGRAM = "program"  # writes by the API alone, with no screen


class RightsMessage(NamedTuple):
    """Of the group `user.<id>`."""

    user: str
    calendar: str


class Message(NamedTuple):
    """On its way over the layer to one hub."""

    hub: int
    content: ChangeSet | RightsMessage


@dataclass(slots=True)
class FeedTask:
    """A feed between its two statements: the standing, and the rows joined to the calendar row."""

    user: str
    request: FeedRequest
    source: Database
    access: Access
    state: State
    early_rows: tuple[Item, ...] | None = None


@dataclass(slots=True)
class Server:
    rules: Rules
    history: History = field(default_factory=History)
    db: Database = field(default_factory=Database)
    hubs: list[Hub] = field(default_factory=list)
    layer: list[Message] = field(default_factory=list)
    cache: dict[tuple[object, ...], tuple[State, tuple[Item, ...]]] = field(default_factory=dict)
    nonces: Iterator[int] = field(default_factory=lambda: count(1))

    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = Services(self.rules, self.history, self.nonces)
        self.hubs = [Hub(self.rules, self.history) for _ in range(HUBS)]
        for calendar in CALENDARS:
            self.services.open_calendar(self.db, calendar)
            for user in (*USERS, PROGRAM):
                self.db.places[user, calendar] = Access("full", 1)

    # --- writes ----------------------------------------------------------------------------------------------

    def write(self, request: Request, planned: Plan | None = None) -> Answer:
        """Do a mutation in one transaction, and announce its change sets after commit."""
        answer, sets = self.services.write(self.db, request, planned)
        for change_set in sets:
            for hub in range(len(self.hubs)):
                self.layer.extend(Message(hub, part) for part in self._broadcast(change_set))
        return answer

    def _broadcast(self, change_set: ChangeSet) -> list[ChangeSet]:
        """S1: a broadcast carries a whole change set, or only its two states."""
        entries = change_set.entries or ()
        if not self.rules.whole_sets and len(entries) > 1:
            return [change_set._replace(entries=(entry,)) for entry in entries]
        return [change_set if len(entries) <= BROADCAST_ENTRIES else change_set._replace(entries=None)]

    def give_rights(self, user: str, calendar: str, rights: Rights | None) -> None:
        """Change or withdraw a membership, and tell the user's sockets of every process."""
        before = self.db.places.get((user, calendar))
        version = (before.version if before else self._last_version(user, calendar)) + 1
        if rights is None:
            self.db.places.pop((user, calendar), None)
            self.db.places[user, "~" + calendar] = Access("freebusy", version)  # remembers the version only
        else:
            self.db.places[user, calendar] = Access(rights, version if self.rules.access_has_version else 1)
        self.layer.extend(Message(hub, RightsMessage(user, calendar)) for hub in range(len(self.hubs)))

    def _last_version(self, user: str, calendar: str) -> int:
        return self.db.places.get((user, "~" + calendar), Access("full", 1)).version

    def take(self, message: Message) -> None:
        """Let a hub take a message of the layer."""
        if isinstance(message.content, RightsMessage):
            self.hubs[message.hub].tell_rights(message.content.user, message.content.calendar, self.db)
        else:
            self.hubs[message.hub].receive(message.content, self.db)

    def restart(self, hub: int) -> None:
        """Let a process die: its sockets and what was on its way to it are gone."""
        self.hubs[hub] = Hub(self.rules, self.history)
        self.layer = [message for message in self.layer if message.hub != hub]

    # --- reads -----------------------------------------------------------------------------------------------

    def begin_feed(self, user: str, request: FeedRequest, source: Database | None = None) -> FeedAnswer | FeedTask:
        """Read where the user stands; answer what needs no rows. `source`: a replica, for the rows, never for the rights."""
        source = source or self.db
        access, state = self.db.places.get((user, request.calendar)), source.head(request.calendar)
        if access is None:
            return FeedAnswer(404)
        if state.revision < request.min_revision:
            return FeedAnswer(503)
        if request.etag == (state, access):
            return FeedAnswer(304, state, access)
        kept = self.cache.get(self._key(request, state, access.rights))
        if kept is not None:
            return FeedAnswer(200, kept[0], access, kept[1])
        task = FeedTask(user, request, source, access, state)
        if not self.rules.one_statement and not self.rules.state_before_rows:
            task.early_rows = _rows(source, request, access.rights)
        return task

    def end_feed(self, task: FeedTask) -> FeedAnswer:
        """Read rows and state in one statement, keep them under that state's key, and answer."""
        request, rights = task.request, task.access.rights
        rows = _rows(task.source, request, rights) if task.early_rows is None else task.early_rows
        before = not self.rules.one_statement and self.rules.state_before_rows
        state = task.state if before else task.source.head(request.calendar)
        self.cache[self._key(request, state, rights)] = (state, rows)
        return FeedAnswer(200, state, task.access, rows)

    def fresh(self, user: str, request: FeedRequest) -> FeedAnswer:
        """Return what a feed asked for now would say, past all caches."""
        place = self.db.standing(user, request.calendar)
        if place is None:
            return FeedAnswer(404)
        return FeedAnswer(200, place[1], place[0], _rows(self.db, request, place[0].rights))

    def _key(self, request: FeedRequest, state: State, rights: Rights) -> tuple[object, ...]:
        named: object = state if self.rules.cache_key_has_nonce else state.revision
        return (
            request.calendar,
            named if self.rules.cache_key_has_state else None,
            rights if self.rules.cache_key_has_rights else None,
            request.within,
            request.filtered,
        )


def _rows(source: Database, request: FeedRequest, rights: Rights) -> tuple[Item, ...]:
    rows = [item for item in source.rows_of(request.calendar) if in_range(item, request.within)]
    if request.filtered:
        rows = [item for item in rows if int(item.id[1:]) % 2]
    return tuple(seen for item in rows if (seen := redact(item, rights)) is not None)
