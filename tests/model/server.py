"""Models the whole server: database, services, the feed and its cache, two processes with hubs, the channel layer."""

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
PROGRAM = "program"  # writes through the API alone, without a screen


class RightsMessage(NamedTuple):
    """A message of the group `user.<id>`: the user's rights in a calendar have changed."""

    user: str
    calendar: str


class Message(NamedTuple):
    """A message under way through the layer to one hub."""

    hub: int
    content: ChangeSet | RightsMessage


@dataclass(slots=True)
class FeedTask:
    """A feed between its two statements: one reads the standing, the other the rows joined to the calendar row."""

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
        """Do a mutation in one transaction, and broadcast its change sets after the commit."""
        answer, sets = self.services.write(self.db, request, planned)
        for change_set in sets:
            for hub in range(len(self.hubs)):
                self.layer.extend(Message(hub, part) for part in self._broadcast(change_set))
        return answer

    def _broadcast(self, change_set: ChangeSet) -> list[ChangeSet]:
        """S1: return the messages of a broadcast, which carries a whole change set or only its two states."""
        entries = change_set.entries or ()
        if not self.rules.whole_sets and len(entries) > 1:
            return [change_set._replace(entries=(entry,)) for entry in entries]
        return [change_set if len(entries) <= BROADCAST_ENTRIES else change_set._replace(entries=None)]

    def give_rights(self, user: str, calendar: str, rights: Rights | None) -> None:
        """Change or withdraw a membership, and send that to the user's sockets in every process."""
        before = self.db.places.get((user, calendar))
        version = (before.version if before else self._last_version(user, calendar)) + 1
        if rights is None:
            self.db.places.pop((user, calendar), None)
            self.db.places[user, "~" + calendar] = Access("freebusy", version)  # keeps only the version
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
        """Let a process die. Its sockets and the messages under way to it are lost."""
        self.hubs[hub] = Hub(self.rules, self.history)
        self.layer = [message for message in self.layer if message.hub != hub]

    # --- reads -----------------------------------------------------------------------------------------------

    def begin_feed(self, user: str, request: FeedRequest, source: Database | None = None) -> FeedAnswer | FeedTask:
        """Read the user's standing, and answer at once if that needs no rows.

        `source` is a replica, which is used for rows and never for rights.
        """
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
        """Read rows and state in one statement, cache them under that state's key, and answer."""
        request, rights = task.request, task.access.rights
        rows = _rows(task.source, request, rights) if task.early_rows is None else task.early_rows
        before = not self.rules.one_statement and self.rules.state_before_rows
        state = task.state if before else task.source.head(request.calendar)
        self.cache[self._key(request, state, rights)] = (state, rows)
        return FeedAnswer(200, state, task.access, rows)

    def fresh(self, user: str, request: FeedRequest) -> FeedAnswer:
        """Return the feed as it is now, without any cache."""
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
