"""Writes scenarios: leads the server and one client through a named fault, and records the view after each step."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from tests.model import wire
from tests.model.client import Client
from tests.model.database import Database
from tests.model.feeds import Ask
from tests.model.invariants import Watch
from tests.model.rules import ALL
from tests.model.server import CALENDARS, PROGRAM, Server
from tests.model.sockets import as_now, cut
from tests.model.values import (
    Access,
    Answer,
    Changes,
    ChangeSet,
    FeedAnswer,
    Head,
    Kind,
    Request,
    Reset,
    Rights,
    ServerFrame,
    Span,
    State,
    Subscribe,
    Subscribed,
    Withdrawn,
    in_range,
    redact,
)


class Script:
    """One scenario. The server's log is complete; the script chooses what reaches the client, and when."""

    def __init__(self, *, access: Rights = "full") -> None:
        self.server = Server(ALL)
        self.client = Client("ana", ALL, CALENDARS)
        self.server.db.places["ana", "a"] = self.server.db.places["ana", "b"] = Access(access, 1)
        self.sets: dict[tuple[str, State], ChangeSet] = {}
        self.asks: list[Ask] = []
        self.subscribes: dict[str, int] = dict.fromkeys(CALENDARS, 0)
        self.steps: list[wire.Json] = []
        self.shown: set[str] = set()
        self.keys = count(1)

    # --- the server, unseen by the client --------------------------------------------------------------------

    def write(self, kind: Kind, *items: str, span: Span = (2, 4), calendar: str = "a", target: str = "") -> State:
        """Change items as a program. Return the calendar's new state."""
        return self.write_as(PROGRAM, kind, *items, span=span, calendar=calendar, target=target)

    def write_as(
        self, user: str, kind: Kind, *items: str, span: Span = (2, 4), calendar: str = "a", target: str = ""
    ) -> State:
        expected = self.server.db.items[items[0]].deleted if kind == "restore" else None
        visibility = self.server.db.items[items[0]].item.visibility if kind == "edit" else "normal"
        request = Request(kind, user, calendar, items, f"m{next(self.keys)}", expected, span, visibility, target=target)
        answer, sets = self.server.services.write(self.server.db, request)
        if answer.status != 200:
            raise ValueError(f"{request}: {answer}")
        self.sets.update({(one.calendar, one.new): one for one in sets})
        return dict(answer.states)[calendar]

    def set_visibility(self, item: str, visibility: str) -> State:
        known = self.server.db.items[item].item
        span = (known.start, known.end)
        request = Request("edit", PROGRAM, known.calendar, (item,), f"m{next(self.keys)}", None, span, visibility)
        _, sets = self.server.services.write(self.server.db, request)
        self.sets.update({(one.calendar, one.new): one for one in sets})
        return self.head_of(known.calendar)

    def back_up(self) -> Database:
        return self.server.db.copy()

    def put_back(self, backup: Database) -> None:
        """Restore the database from a back-up. Everything done since then is lost."""
        self.server.db = backup

    def give_rights(self, rights: Rights | None, calendar: str = "a") -> None:
        self.server.give_rights("ana", calendar, rights)

    def head_of(self, calendar: str = "a") -> State:
        return self.server.db.head(calendar)

    def access(self, calendar: str = "a") -> Access:
        return self.server.db.places["ana", calendar]

    # --- what reaches the client -----------------------------------------------------------------------------

    def open(self) -> None:
        self.client.opened()
        self._record({"do": "open"})

    def close(self) -> None:
        self.client.closed()
        self._record({"do": "close"})

    def show(self, *ranges: Span, calendar: str = "a") -> None:
        """Show exactly these ranges of a calendar, instead of the earlier ones."""
        self.shown.add(calendar)
        self.client.show(calendar, list(ranges))
        spans = [wire.span_of(one) for one in ranges]
        self._record({"do": "show", "calendar": wire.calendar_id(calendar), "ranges": spans})

    def subscribed(self, *, at: State | None = None, number: int | None = None, calendar: str = "a") -> None:
        """Answer a subscribe, by default the last one, with the head or another state."""
        number = self.subscribes[calendar] if number is None else number
        self.frame(Subscribed(number, calendar, at or self.head_of(calendar), self.access(calendar)))

    def changes(self, new: State, *, chunks: slice | None = None, calendar: str = "a") -> None:
        """Push a change set or some of its chunks."""
        frames = list(cut(self.sets[calendar, new], self.access(calendar).rights, ALL))
        for frame in frames[chunks or slice(None)]:
            self.frame(frame)

    def replay(self, *news: State, first: int | None = None, calendar: str = "a") -> None:
        """Send change sets of the log as the answer to a subscribe does, or only the first of them."""
        sets = [self.sets[calendar, new] for new in news]
        told = as_now(sets) if ALL.replay_as_now else sets
        for one in told[:first]:
            for frame in cut(one, self.access(calendar).rights, ALL):
                self.frame(frame)

    def head(self, state: State | None = None, calendar: str = "a") -> None:
        self.frame(Head(((calendar, state or self.head_of(calendar)),)))

    def reset(self, reason: str, calendar: str = "a") -> None:
        self.frame(Reset(calendar, reason))

    def withdrawn(self, calendar: str = "a") -> None:
        self.frame(Withdrawn(calendar))

    def frame(self, frame: ServerFrame) -> None:
        self.client.take(frame)
        if isinstance(frame, Changes | Subscribed | Reset | Withdrawn | Head):
            self._record({"do": "frame", "frame": wire.frame_of(frame)})

    def feed(self, within: Span, *, at: State | None = None, number: int | None = None, calendar: str = "a") -> None:
        """Answer a fetch of a range, by default the last one, with the calendar at the head or another state."""
        ask, which = self._fetch(within, number, calendar)
        answer = self._feed_at(calendar, within, at or self.head_of(calendar))
        if answer.state is None or answer.state.revision < ask.request.min_revision:
            raise ValueError("No server answers below min_revision.")
        self.client.fed(ask, answer)
        self._record({"do": "feed", **which, "answer": wire.feed_of(answer)})

    def feed_not_found(self, within: Span, *, number: int | None = None, calendar: str = "a") -> None:
        """Answer a fetch of a range with 404, because the user has no access to the calendar."""
        ask, which = self._fetch(within, number, calendar)
        self.client.fed(ask, FeedAnswer(404))
        self._record({"do": "feedNotFound", **which})

    def _fetch(self, within: Span, number: int | None, calendar: str) -> tuple[Ask, wire.Json]:
        asks = [one for one in self.asks if (one.calendar, one.request.within) == (calendar, within)]
        number = len(asks) if number is None else number
        which: wire.Json = {"calendar": wire.calendar_id(calendar), "range": wire.span_of(within), "fetch": number}
        return asks[number - 1], which

    def _feed_at(self, calendar: str, within: Span, state: State) -> FeedAnswer:
        access = self.access(calendar)
        live = self.server.history.at(calendar, state).live.values()
        rows = tuple(seen for item in live if in_range(item, within) and (seen := redact(item, access.rights)))
        return FeedAnswer(200, state, access, rows)

    def timer(self, name: str, calendar: str = "a") -> None:
        """Let the timers whose names begin with `name` run out: `gap`, `reset` or `retry`."""
        for timer in sorted(self.client.replicas[calendar].timers):
            if timer.startswith(name):
                self.client.fire(calendar, timer)
        self._record({"do": "timer", "calendar": wire.calendar_id(calendar), "name": name})

    def delete(self, item: str, calendar: str = "a") -> None:
        """Let the client's user delete an item. The server does not answer yet."""
        key = f"m{next(self.keys)}"
        self.client.begin(Request("delete", "ana", calendar, (item,), key), {(calendar, item): None})
        self._record({"do": "delete", **self._item(item, calendar), "key": key})

    def answered(self, item: str, state: State | None, calendar: str = "a") -> None:
        """Answer that delete with a state. None means that it was refused."""
        mutation = next(one for one in self.client.overlays.mutations if one.request.ids == (item,))
        answer = Answer(412) if state is None else Answer(200, ((calendar, state),))
        self.client.answered(mutation, answer)
        what: wire.Json = {"do": "refused"} if state is None else {"do": "answered", "state": str(state)}
        self._record({**what, **self._item(item, calendar), "key": mutation.request.key})

    def _item(self, item: str, calendar: str) -> wire.Json:
        return {"calendar": wire.calendar_id(calendar), "item": wire.item_id(item)}

    def check(self, calendar: str) -> None:
        """Raise Violation unless every answered range shows the calendar at the client's cursor."""
        Watch(self.client, self.server).check_view(self.client.replicas[calendar])

    # --- the record ------------------------------------------------------------------------------------------

    def _record(self, step: wire.Json) -> None:
        for frame in self.client.frames:
            if isinstance(frame, Subscribe):
                self.subscribes[frame.calendar] += 1
        self.asks += self.client.fetches
        asked: Iterable[str] = sorted({f.calendar for f in self.client.frames if isinstance(f, Subscribe)})
        self.client.frames.clear()
        self.client.fetches.clear()
        self.client.requests.clear()
        subscribes = [wire.calendar_id(calendar) for calendar in asked if calendar in self.shown]
        self.steps.append(
            {**step, "expect": {"view": self._view(), "cursor": self._cursors(), "subscribes": subscribes}}
        )

    def _view(self) -> wire.Json:
        """Return what the screen shows of each calendar in the shown ranges: item id -> state."""
        views: wire.Json = {}
        for calendar in sorted(self.shown):
            ranges = self.client.replicas[calendar].shown
            items = [i for i in self.client.picture(calendar).values() if any(in_range(i, one) for one in ranges)]
            views[wire.calendar_id(calendar)] = {wire.item_id(i.id): str(i.state) for i in sorted(items)}
        return views

    def _cursors(self) -> wire.Json:
        return {wire.calendar_id(c): wire.state_of(self.client.replicas[c].cursor) for c in sorted(self.shown)}
