"""Models an open page: the replicas of its calendars, its overlays and the frames of its socket (C1-C9).

A client only collects what it wants sent; the network sends it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.model import feeds
from tests.model.feeds import Ask
from tests.model.overlays import Mutation, Overlays
from tests.model.replica import Replica
from tests.model.rules import Rules
from tests.model.store import Known, Store
from tests.model.values import (
    Answer,
    Changes,
    ClientFrame,
    FeedAnswer,
    FeedRequest,
    Granted,
    Head,
    Item,
    Refused,
    Request,
    Reset,
    ServerFrame,
    Span,
    Subscribed,
)


@dataclass(eq=False, slots=True)
class Client:
    """A page. `frames`, `fetches` and `requests` hold what it wants sent, until the network takes them from there."""

    user: str
    rules: Rules
    calendars: tuple[str, ...]
    replicas: dict[str, Replica] = field(init=False)
    overlays: Overlays = field(init=False)
    frames: list[ClientFrame] = field(default_factory=list)
    fetches: list[Ask] = field(default_factory=list)
    requests: list[Mutation] = field(default_factory=list)
    mutations_begun: int = 0
    undoable: list[tuple[Request, Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.overlays = Overlays(self.rules)
        shared_rows: dict[str, Known] = {}
        shared_graves: dict[str, int] = {}
        self.replicas = {}
        for calendar in self.calendars:
            keyed = self.rules.keyed_by_calendar
            rows, graves = ({}, {}) if keyed else (shared_rows, shared_graves)
            self.replicas[calendar] = Replica(self, calendar, Store(self.rules, calendar, rows, graves))

    def send(self, frame: ClientFrame) -> None:
        self.frames.append(frame)

    # --- what happens to it ----------------------------------------------------------------------------------

    def opened(self) -> None:
        for replica in self.replicas.values():
            replica.opened()

    def closed(self) -> None:
        self.frames.clear()
        for replica in self.replicas.values():
            replica.closed()

    def show(self, calendar: str, ranges: list[Span]) -> None:
        self.replicas[calendar].show(ranges)

    def take(self, frame: ServerFrame) -> None:
        """Take a frame of the socket."""
        if isinstance(frame, Head):
            for calendar, state in frame.states:
                self.replicas[calendar].head(state)
            return
        replica = self.replicas[frame.calendar]
        match frame:
            case Subscribed():
                replica.subscribed(frame)
            case Changes():
                replica.changes(frame)
            case Reset():
                replica.reset(frame)
            case Granted():
                replica.granted()
            case Refused():
                if replica.pending and frame.id == replica.sequence:
                    self._lose(replica)
            case _:
                self._lose(replica)
        replica.tidy()

    def _lose(self, replica: Replica) -> None:
        self.overlays.drop(replica.calendar)
        replica.withdrawn()

    def fed(self, ask: Ask, answer: FeedAnswer | None) -> None:
        """Take the answer to a feed request. It is None if it was lost."""
        replica = self.replicas[ask.calendar]
        if answer is None:
            feeds.feed_failed(replica, ask)
        elif answer.status == 404 and ask in replica.asks:
            self._lose(replica)
        else:
            feeds.feed(replica, ask, answer)
        replica.tidy()

    def fire(self, calendar: str, timer: str) -> None:
        self.replicas[calendar].fire(timer)
        self.replicas[calendar].tidy()

    # --- what its user does ----------------------------------------------------------------------------------

    def search(self, calendar: str, within: Span) -> None:
        """Request a filtered feed. Its answer fills a list of its own and never enters the store (C9)."""
        replica = self.replicas[calendar]
        if replica.cursor is not None:
            request = FeedRequest(calendar, within, replica.cursor.revision, True, None)
            ask = Ask(calendar, request, replica.generation)
            if not self.rules.filtered_stay_out:
                replica.asks.append(ask)
            self.fetches.append(ask)

    def begin(self, request: Request, shown: dict[tuple[str, str], Item | None]) -> None:
        """Send a mutation, and show its effect at once."""
        self.mutations_begun += 1
        self.requests.append(self.overlays.begin(request, shown))

    def answered(self, mutation: Mutation, answer: Answer | None) -> None:
        """Take the answer to a mutation. None means that it was lost; the mutation is sent again with the same key."""
        if answer is None:
            if self.rules.lost_answers_retried:
                self.requests.append(mutation)
            else:
                self.overlays.mutations.remove(mutation)
            return
        self.overlays.answered(mutation, answer, self.replicas)
        if answer.item is not None and not self.rules.answers_stay_out_of_store:
            self.replicas[answer.item.calendar].store.put_answer(answer.item)

    def picture(self, calendar: str) -> dict[str, Item]:
        """Return what the screen shows of a calendar."""
        return self.overlays.lay_over(calendar, self.replicas[calendar].store.picture())
