"""Runs the model's scenarios with the real server beside the model's: services, log, hub and feed must agree with it.

The scenario decides what reaches the client, and when. This module compares what the two servers send: each change set
that is pushed, each feed of each state, the answer to each subscribe with its replay, and each reset for which a server
has a reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, TypeVar
from uuid import UUID

import orjson
import pytest
from django.contrib.auth.models import User

from calendar_live import changelog
from calendar_live.access import standing, standings
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, Role
from calendar_live.protocol.state import State as RealState
from calendar_live.services import calendars
from calendar_live.services.items import create_items, delete_items, edit_items, move_item, restore_items
from testbed.waiting import until
from tests.api.calls import Api
from tests.history import back_up, put_back
from tests.live.pages import Page, in_thread
from tests.model import intents, wire
from tests.model.intents import SCENARIOS, register
from tests.model.rules import ALL
from tests.model.script import Script
from tests.model.server import CALENDARS
from tests.model.sockets import as_now, cut
from tests.model.values import RANGES, Access, ChangeSet, Item, Kind, Rights, Span, State, Subscribe
from tests.people import make_calendar, make_user

pytestmark = pytest.mark.django_db(transaction=True)

R = TypeVar("R")
ROLES: Final = {"full": Role.EDITOR, "shared": Role.VIEWER, "freebusy": Role.FREEBUSY}
HOUR_NULL: Final = datetime(2026, 11, 2, tzinfo=UTC)
# The fields of an event object that the model knows.
KNOWN: Final = ("id", "start", "end", "title", "visibility", "busy")

Event = dict[str, Any]
# The upserted events by id, and the destroyed ids.
Said = tuple[dict[str, Event], set[str]]


class Beside(Script):
    """A script with the model's server and, beside it, the real one. Each step compares the two."""

    runner: ClassVar[asyncio.Runner]
    hub: ClassVar[Hub]
    compared: ClassVar[list[str]]

    def __init__(self, *, access: Rights = "full") -> None:
        super().__init__(access=access)
        self.ana, self.olga = self.in_thread(make_user, "ana"), self.in_thread(make_user, "olga")
        self.api = Api(self.ana)
        self.calendars: dict[str, Calendar] = {}
        self.states: dict[tuple[str, State], str] = {}  # by the model's state: the real server's
        self.accesses: dict[tuple[str, Access], str] = {}
        self.feeds: dict[tuple[str, State, Span, Access], Event] = {}
        self.asking: dict[str, Subscribe] = {}  # sent by the client, not yet handed to the real hub
        for name in CALENDARS:
            self.calendars[name] = self.in_thread(make_calendar, self.olga, name=name)
            self.in_thread(calendars.set_role, self.calendars[name], member=self.ana, role=ROLES[access])
        self.witness, self.page = Page(self.ana), Page(self.ana)
        self.run(self.hub.enter(self.witness))
        self.run(self.hub.enter(self.page))
        for name in CALENDARS:
            self._witness(name)
            self._learn(name)

    # --- the real server does the same ---------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        return self.runner.run(work)

    def in_thread(self, function: Callable[..., R], *args: Any, **options: Any) -> R:
        return self.run(in_thread(function, *args, **options))

    def write_as(
        self, user: str, kind: Kind, *items: str, span: Span = (2, 4), calendar: str = "a", target: str = ""
    ) -> State:
        deletion = self.server.db.items[items[0]].deleted if kind == "restore" else None
        state = super().write_as(user, kind, *items, span=span, calendar=calendar, target=target)
        actor = self.ana if user == "ana" else self.olga
        self.in_thread(self._write, actor, kind, items, calendar, target, deletion)
        for name in filter(None, (calendar, target)):
            self._learn(name)
        return state

    def _write(
        self, actor: User, kind: Kind, items: tuple[str, ...], calendar: str, target: str, deletion: State | None
    ) -> None:
        ids = [UUID(wire.item_id(one)) for one in items]
        place = self.calendars[calendar].pk
        fields = {
            key: _fields(self.server.db.items[one].item)
            for key, one in zip(ids, items, strict=True)
            if kind != "delete"
        }
        match kind:
            case "create":
                create_items(place, actor=actor, items=fields)
            case "edit":
                edit_items(place, actor=actor, changes=fields)
            case "delete":
                delete_items(place, actor=actor, item_ids=ids)
            case "restore":
                assert deletion is not None
                restore_items(place, actor=actor, item_ids=ids, expected_state=self.states[calendar, deletion])
            case "move":
                move_item(place, actor=actor, item_id=ids[0], target_id=self.calendars[target].pk)
            case _:
                raise ValueError(kind)

    def set_visibility(self, item: str, visibility: str) -> State:
        state = super().set_visibility(item, visibility)
        known = self.server.db.items[item].item
        self.in_thread(self._write, self.olga, "edit", (item,), known.calendar, "", None)
        self._learn(known.calendar)
        return state

    def back_up(self) -> Any:
        return super().back_up(), self.in_thread(back_up)

    def put_back(self, backup: Any) -> None:
        copy, rows = backup
        super().put_back(copy)
        self.in_thread(put_back, rows)
        self.run(self.hub.check_heads())
        for name in CALENDARS:
            if str(self.calendars[name].pk) not in self.witness.states:
                self._witness(name)

    def give_rights(self, rights: Rights | None, calendar: str = "a") -> None:
        super().give_rights(rights, calendar)
        asked = self.page.rechecks
        if rights is None:
            self.in_thread(calendars.remove_member, self.calendars[calendar], member=self.ana)
        else:
            self.in_thread(calendars.set_role, self.calendars[calendar], member=self.ana, role=ROLES[rights])
            self._learn(calendar, pushed=False)
        self.run(until(lambda: self.page.rechecks > asked, what="the page to be asked to check its rights"))

    def _apply_rights(self) -> None:
        """Do what a consumer does when it is asked to check its rights."""
        now = {one.calendar: str(one.access) for one in self.in_thread(standings, self.ana)}
        for page in (self.page, self.witness):
            self.run(self.hub.apply_rights(page, now))

    # --- what the real server says ---------------------------------------------------------------------------------

    def _witness(self, calendar: str) -> None:
        self.run(self.witness.subscribe(self.hub, self.calendars[calendar]))

    def _learn(self, calendar: str, *, pushed: bool = True) -> None:
        """Note the real server's state for the model's head, wait until it is pushed, and read every feed at it."""
        place, head = self.calendars[calendar], self.head_of(calendar)
        standing_now = self.in_thread(standing, self.ana, place.pk)
        self.states[calendar, head] = str(standing_now.state)
        self.accesses[calendar, self.access(calendar)] = str(standing_now.access)
        if pushed:
            key = str(place.pk)
            self.run(
                until(lambda: self.witness.states.get(key) == str(standing_now.state), what=f"{head} to be pushed")
            )
        for within in RANGES:
            query = {name: str(value) for name, value in wire.span_of(within).items()}
            answer = self.in_thread(self.api.feed, place, query)
            assert answer.status_code == 200
            assert answer["Calendar-State"] == str(standing_now.state)
            rows = {row["id"]: row for row in orjson.loads(answer.content)}
            self.feeds[calendar, head, within, self.access(calendar)] = rows

    def _heard(self, page: Page, calendar: str, new: str) -> Said:
        """Return a change set as a page last heard it, with its chunks put together."""
        place = str(self.calendars[calendar].pk)
        chunks = [one for one in page.heard("changes") if (one["calendar"], one["newState"]) == (place, new)]
        assert chunks, f"nobody heard {new}"
        return {item["id"]: item for one in chunks for item in one["upserted"]}, {
            item for one in chunks for item in one["destroyed"]
        }

    # --- the comparisons -------------------------------------------------------------------------------------------

    def changes(self, new: State, *, chunks: slice | None = None, calendar: str = "a") -> None:
        super().changes(new, chunks=chunks, calendar=calendar)
        self._compare(self.witness, self.sets[calendar, new])

    def _compare(self, page: Page, change_set: ChangeSet) -> None:
        calendar = change_set.calendar
        rights = self.access(calendar).rights
        frames = list(cut(change_set, rights, ALL))
        upserted, destroyed = self._heard(page, calendar, self.states[calendar, change_set.new])
        assert {one for frame in frames for one in map(wire.item_id, frame.destroyed)} == destroyed
        self._same_items([item for frame in frames for item in frame.upserted], upserted)
        self.compared.append("changes")

    def _same_items(self, items: list[Item], events: dict[str, Event]) -> None:
        assert {_known(wire.event_of(item))["id"]: self._event_of(item) for item in items} == {
            key: _known(event) | {"state": event["state"]} for key, event in events.items()
        }

    def _event_of(self, item: Item) -> Event:
        return _known(wire.event_of(item)) | {"state": self.states[item.calendar, item.state]}

    def feed(self, within: Span, *, at: State | None = None, number: int | None = None, calendar: str = "a") -> None:
        super().feed(within, at=at, number=number, calendar=calendar)
        state = at or self.head_of(calendar)
        model = self._feed_at(calendar, within, state)
        self._same_items(list(model.rows or ()), self.feeds[calendar, state, within, self.access(calendar)])
        self.compared.append("feed")

    def subscribed(self, *, at: State | None = None, number: int | None = None, calendar: str = "a") -> None:
        asked, page = self.asking.get(calendar), self.page
        if asked is not None and at is None and number in (None, asked.id):
            del self.asking[calendar]
            self._subscribe(asked)
            answer = page.heard("subscribed")[-1]
            assert page.frames[-1] is answer, f"not a reset: {page.kinds}"
            assert answer["state"] == self.states[calendar, self.head_of(calendar)]
            assert answer["access"] == self.accesses[calendar, self.access(calendar)]
            self.compared.append("subscribed")
        super().subscribed(at=at, number=number, calendar=calendar)

    def _subscribe(self, asked: Subscribe) -> None:
        """Hand a client's subscribe to the real hub. Check that its replay is the model's."""
        place = self.calendars[asked.calendar]
        state = None if asked.state is None else RealState.parse(self.states[asked.calendar, asked.state])
        access = None if asked.access is None else self.accesses[asked.calendar, asked.access]
        was = len(self.page.heard("changes"))
        self.run(self.page.subscribe(self.hub, place, state, access))
        heard = {frame["newState"]: frame.get("until") for frame in self.page.heard("changes")[was:]}
        told = as_now(
            [self.sets[key] for key in sorted(self.sets) if key[0] == asked.calendar and self.states[key] in heard]
        )
        assert [(self.states[one.calendar, one.new], self._until(one)) for one in told] == list(heard.items())
        for one in told:
            self._compare(self.page, one)

    def _until(self, change_set: ChangeSet) -> str | None:
        return None if change_set.until is None else self.states[change_set.calendar, change_set.until]

    def reset(self, reason: str, calendar: str = "a") -> None:
        if reason != "bulk":  # no scenario writes 10,000 items: the model's server has other limits
            self._reset(reason, calendar)
            assert self.page.kinds[-1] == f"reset {reason}"
            self.compared.append(f"reset {reason}")
        super().reset(reason, calendar)

    def _reset(self, reason: str, calendar: str) -> None:
        asked = self.asking.pop(calendar, None)
        if reason == "pruned":
            self.in_thread(changelog.prune, before=datetime.now(UTC) + timedelta(days=1))
            self.hub._served[str(self.calendars[calendar].pk)].recent.forget()  # the real hub may still know it
        if reason == "rights":
            self._apply_rights()
            self._witness(calendar)
        if asked is not None:
            self._subscribe(asked)

    def open(self) -> None:
        self.run(self.hub.leave(self.page))
        self.page = Page(self.ana)
        self.run(self.hub.enter(self.page))
        super().open()

    def close(self) -> None:
        self.run(self.hub.leave(self.page))
        super().close()

    def _record(self, step: wire.Json) -> None:
        for frame in self.client.frames:
            if isinstance(frame, Subscribe):
                self.asking[frame.calendar] = frame
        super()._record(step)


def _fields(item: Item) -> dict[str, Any]:
    at = [HOUR_NULL + timedelta(hours=hour) for hour in (item.start, item.end)]
    return {"title": item.title, "start": at[0], "end": at[1], "visibility": item.visibility}


def _known(event: Event) -> Event:
    return {name: event[name] for name in KNOWN if name in event}


@pytest.fixture
def beside(no_head_check: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Beside]]:
    """Make the scenarios run with the real server beside the model's."""

    async def new_hub() -> Hub:
        return Hub()  # on the loop that runs

    with asyncio.Runner() as runner_here:

        class Here(Beside):
            runner = runner_here
            hub = runner_here.run(new_hub())
            compared: ClassVar[list[str]] = []

        for module in (register, intents.edits, intents.feeds, intents.frames, intents.resets):
            monkeypatch.setattr(module, "Script", Here)
        yield Here
        runner_here.run(Here.hub.close())


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_the_real_server_says_what_the_models_says(name: str, beside: type[Beside]) -> None:
    """Rules S3 to S5 and invariants 2 and 6, in every scenario.

    Fails when a state is verified by its revision alone, when a membership counts its access versions from 1, and when
    an item that became secret is logged as one that always was secret.
    """
    SCENARIOS[name][1]()
    assert "subscribed" in beside.compared
    assert {"changes", "feed"} & set(beside.compared)
