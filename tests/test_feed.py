"""The feed: rows and the state they are true for from one statement, equal to the fold of the log, and never an old answer."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any, Final, get_args
from uuid import UUID, uuid4

import orjson
import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendar_live import changelog, feed, sources
from calendar_live.access import Standing, standing
from calendar_live.errors import NotFound, NotYet
from calendar_live.models import Calendar, ChangeSet, Entry, Role, WorkItem
from calendar_live.protocol.changes import ChangeSet as Pushed
from calendar_live.protocol.rights import Access, Rights
from calendar_live.protocol.state import State
from calendar_live.schedule.ranges import Range
from calendar_live.services.bulk import edit_items, restore_items
from calendar_live.services.calendars import set_role
from calendar_live.services.event import WorkItems
from calendar_live.services.work_items import create_item, delete_item, update_item
from tests.people import NINE, make_calendar, make_item, make_user
from tests.reference import feed_body, fold

pytestmark = pytest.mark.django_db(transaction=True)

DAY: Final = timedelta(days=1)
MIDNIGHT: Final = NINE.replace(hour=0)
WEEK: Final = Range(MIDNIGHT, MIDNIGHT + 7 * DAY)
HOUR: Final = timedelta(hours=1)


def ask(start: datetime = WEEK.start, end: datetime = WEEK.end, **wanted: tuple[str, ...]) -> feed.Query:
    return feed.Query(Range(start, end), wanted)


def ask_for(wanted: dict[str, tuple[str, ...]], within: Range = WEEK) -> feed.Query:
    return feed.Query(within, wanted)


def place_in(calendar: Calendar, rights: Rights = "full") -> Standing:
    """Return a place in a calendar as it stands now."""
    return Standing(str(calendar.pk), "", Access(rights, 1), Calendar.objects.get(pk=calendar.pk).state)


def titles(found: feed.Feed) -> list[str]:
    return sorted(item["title"] for item in orjson.loads(found.body))


# --- one statement ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 3, 300])
def test_state_and_wires_come_from_one_statement(count: int, team: Calendar, ana: User) -> None:
    """Invariant 2. Fails when the state is read beside the statement, before or after it."""
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(
            *(WorkItem(calendar=team, title=str(number), start=NINE, end=NINE + HOUR) for number in range(count))
        )
    place = place_in(team)
    with CaptureQueriesContext(connection) as asked:
        key, stored = feed._compute(place, ask())
    assert len(asked) == 1
    assert stored.startswith(f"{change.state}\n".encode())
    assert len(orjson.loads(stored.partition(b"\n")[2])) == count
    assert key == feed._key(place.calendar, change.state, "full", ask())


def test_an_empty_range_still_has_the_calendars_state(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    found = feed.read_feed(place_in(team), ask(NINE + 100 * DAY, NINE + 101 * DAY))
    assert (str(found.state), found.body) == (item.state, b"[]")


def test_a_calendar_that_is_gone_is_not_found() -> None:
    with pytest.raises(NotFound):
        feed.read_feed(Standing(str(uuid4()), "", Access("full", 1), State(0, "0" * 16)), ask())


def test_readers_beside_writers_always_see_a_state_with_just_its_rows(team: Calendar, ana: User) -> None:
    """Invariant 2. Fails when the state is read in a statement of its own."""
    stop = threading.Event()
    pictures: list[tuple[str, bytes]] = []

    def write(number: int) -> None:
        try:
            dice = random.Random(number)
            mine: list[UUID] = []
            for _ in range(25):
                if mine and dice.random() < 0.4:
                    delete_item(team.pk, actor=ana, item_id=mine.pop())
                else:
                    mine.append(uuid4())
                    fields = {"title": "x", "start": NINE, "end": NINE + HOUR}
                    create_item(team.pk, actor=ana, item_id=mine[-1], fields=fields)
        finally:
            connections.close_all()

    def read() -> None:
        place = Standing(str(team.pk), "", Access("full", 1), State(0, "0" * 16))
        try:
            while not stop.is_set():
                state, _, body = feed._compute(place, ask())[1].partition(b"\n")
                pictures.append((state.decode(), body))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for writer in [pool.submit(write, number) for number in range(2)]:
            writer.result(60)
        stop.set()
        for reader in readers:
            reader.result(60)
    log = whole_log(team)
    bodies = {str(log[0].old): b"[]"} | {
        str(one.new): feed_body(fold(log[: number + 1]), WEEK.start, WEEK.end, "full") for number, one in enumerate(log)
    }
    assert len({state for state, _ in pictures}) > 3, "they did meet"
    assert all(body == bodies[state] for state, body in pictures)


# --- the range -------------------------------------------------------------------------------------------------------

BOUNDARIES: Final[list[tuple[timedelta, timedelta, bool]]] = [
    # From the start of the week to an item's start and its end, and whether it is in the week.
    (-HOUR, timedelta(0), False),  # ends as the range starts
    (-HOUR, timedelta(seconds=1), True),
    (-2 * HOUR, -HOUR, False),
    (timedelta(0), timedelta(0), True),  # no length, at the start
    (-HOUR, -HOUR, False),
    (HOUR, HOUR, True),  # no length, within
    (timedelta(0), HOUR, True),
    (-DAY, 8 * DAY, True),  # spans it all
    (timedelta(0), 7 * DAY, True),
    (7 * DAY - timedelta(seconds=1), 9 * DAY, True),
    (7 * DAY, 8 * DAY, False),  # starts as the range ends
    (7 * DAY, 7 * DAY, False),
    (8 * DAY, 9 * DAY, False),
]


@pytest.mark.parametrize(("start", "end", "within"), BOUNDARIES)
def test_an_item_is_in_a_half_open_range(
    start: timedelta, end: timedelta, within: bool, team: Calendar, ana: User
) -> None:
    make_item(team, ana, start=WEEK.start + start, end=WEEK.start + end)
    assert len(orjson.loads(feed.read_feed(place_in(team), ask()).body)) == within


@pytest.mark.parametrize(
    ("first", "last", "within"),
    [(-2, -1, False), (-2, 0, False), (-1, 1, True), (6, 7, True), (7, 8, False), (0, 7, True)],
)
def test_an_all_day_item_counts_as_its_days_midnights_in_utc(
    first: int, last: int, within: bool, team: Calendar, ana: User
) -> None:
    make_item(team, ana, start=MIDNIGHT + first * DAY, end=MIDNIGHT + last * DAY, all_day=True)
    assert len(orjson.loads(feed.read_feed(place_in(team), ask()).body)) == within


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ["a", "b", "c"]),
        ({"work_type": ("task",)}, ["a"]),
        ({"work_type": ("task", "meeting")}, ["a", "b", "c"]),
        ({"status": ("blocked",)}, ["b"]),
        ({"work_type": ("meeting",), "status": ("blocked", "completed")}, ["b", "c"]),
        ({"work_type": ("project",)}, []),
    ],
)
def test_a_filter_leaves_what_it_names(
    wanted: dict[str, tuple[str, ...]], expected: list[str], team: Calendar, ana: User
) -> None:
    make_item(team, ana, title="a", work_type="task", status="in_progress")
    make_item(team, ana, title="b", work_type="meeting", status="blocked")
    make_item(team, ana, title="c", work_type="meeting", status="completed")
    assert titles(feed.read_feed(place_in(team), ask_for(wanted))) == expected


@pytest.mark.parametrize("rights", ["shared", "public", "freebusy"])
def test_a_filter_tells_nothing_of_what_its_asker_reads_as_busy(rights: Rights, team: Calendar, ana: User) -> None:
    """Invariant 7. Fails when the rows are filtered by columns that the receiver may not read."""
    make_item(team, ana, title="a", work_type="meeting", status="blocked", visibility="private")
    make_item(team, ana, title="b", work_type="task", status="completed", visibility="private")
    place = place_in(team, rights)
    answers = {
        feed.read_feed(place, ask(work_type=(kind,), status=(status,))).body
        for kind, status in product(("meeting", "task", "project"), ("blocked", "completed"))
    }
    assert len(answers) == 1, "whatever is asked for, the same is answered"


# --- the fold of the log ---------------------------------------------------------------------------------------------


def whole_log(calendar: Calendar) -> list[Pushed]:
    first = ChangeSet.objects.get(calendar=calendar, revision=0)
    return list(changelog.read_since(str(calendar.pk), first.state, max_sets=10_000, max_bytes=10**9).change_sets)


WINDOWS: Final = [
    WEEK,
    Range(WEEK.start - 3 * DAY, WEEK.start),
    Range(WEEK.start + HOUR, WEEK.start + 2 * HOUR),
    Range(WEEK.start - 30 * DAY, WEEK.start + 12 * DAY),
]
moments = st.integers(-100, 200).map(lambda hours: WEEK.start + hours * HOUR)
spans = st.tuples(moments, st.sampled_from([timedelta(0), HOUR, DAY, 3 * DAY, 20 * DAY]))
visibilities = st.sampled_from(["normal", "private", "secret"])
steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "edit", "delete", "delete", "restore"]),
        st.integers(0, 5),
        spans,
        visibilities,
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
Step = tuple[str, int, tuple[datetime, timedelta], str, bool]


def take(step: Step, calendar: Calendar, who: User) -> None:
    """Take a step on one of the items that are there (or were deleted), whichever its number names."""
    kind, number, (start, length), visibility, flag = step
    rows = WorkItem.objects.filter(calendar=calendar).order_by("created_at")
    alive, dead = list(rows.filter(deleted_at=None)), list(rows.exclude(deleted_at=None))
    those = dead if kind == "restore" else alive
    target = those[number % len(those)] if those else None
    all_day = flag and kind in ("create", "update")
    if all_day:
        start, length = start.replace(hour=0), max(DAY, DAY * length.days)
    fields: dict[str, Any] = {"start": start, "end": start + length, "all_day": all_day, "visibility": visibility}
    if kind == "create":
        parent = None if target is None or flag else target.pk
        create_item(calendar.pk, actor=who, item_id=uuid4(), fields=fields | {"title": "x", "parent_id": parent})
    elif target is None:
        return
    elif kind == "update":
        update_item(calendar.pk, actor=who, item_id=target.pk, changes=fields, expected_state=None)
    elif kind == "edit":
        keys = [one.pk for one in alive[: number + 1]]
        edit_items(calendar.pk, actor=who, changes={key: {"visibility": visibility} for key in keys})
    elif kind == "delete":
        delete_item(calendar.pk, actor=who, item_id=target.pk, children="delete" if flag else "reparent")
    else:
        restore_items(calendar.pk, actor=who, item_ids=[target.pk], expected_state=target.state)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(spans, min_size=1, max_size=4), steps)
def test_the_feed_is_the_fold_of_the_log_whatever_was_done(
    ana: User, first: list[tuple[datetime, timedelta]], taken: list[Step]
) -> None:
    """Invariant 2, for each rights class and range, byte by byte. Fails when a service forgets to log what it changed."""
    calendar = make_calendar(ana)
    for start, length in first:
        make_item(calendar, ana, start=start, end=start + length)
    for step in taken:
        take(step, calendar, ana)
    log = whole_log(calendar)
    items = fold(log)
    for rights, window in product(get_args(Rights), WINDOWS):
        found = feed.read_feed(place_in(calendar, rights), feed.Query(window))
        assert found.state == log[-1].new
        assert found.body == feed_body(items, window.start, window.end, rights)


# --- the cache -------------------------------------------------------------------------------------------------------


def refuse(*_: object) -> tuple[str, bytes]:
    raise AssertionError("it is in the cache")


def test_a_feed_is_computed_once_for_all_who_may_see_the_same(
    team: Calendar, ana: User, ben: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_item(team, ana)
    first = feed.read_feed(standing(ana, team.pk), ask())
    monkeypatch.setattr(feed, "_compute", refuse)
    assert feed.read_feed(standing(ben, team.pk), ask()).body == first.body


@pytest.mark.parametrize(
    "other",
    [
        lambda place: (place, ask(WEEK.start + timedelta(seconds=1))),
        lambda place: (place, ask(end=WEEK.end + timedelta(seconds=1))),
        lambda place: (place, ask(work_type=("task",))),
        lambda place: (place, ask(status=("blocked",))),
        lambda place: (Standing(place.calendar, "", Access("shared", 1), place.state), ask()),
        lambda place: (Standing(place.calendar, "", Access("freebusy", 1), place.state), ask()),
        lambda place: (Standing(place.calendar, "", place.access, State(place.state.revision, "f" * 16)), ask()),
    ],
    ids=["start", "end", "type", "status", "shared", "freebusy", "nonce"],
)
def test_a_feed_of_anything_else_is_another_one(
    other: Callable[[Standing], tuple[Standing, feed.Query]], team: Calendar, ana: User
) -> None:
    """Fails when a part of the question is left out of the key."""
    make_item(team, ana)
    place = place_in(team)
    feed.read_feed(place, ask())
    with CaptureQueriesContext(connection) as asked:
        feed.read_feed(*other(place))
    assert len(asked) == 1, "computed, not taken from the cache"


def test_a_filter_in_another_order_is_the_same_question(team: Calendar) -> None:
    place = place_in(team)
    one, other = ask(status=("blocked", "completed")), ask(status=("completed", "blocked"))
    assert feed._key(place.calendar, place.state, "full", one) == feed._key(place.calendar, place.state, "full", other)


def test_a_feed_newer_than_the_reader_knew_is_kept_under_its_own_state(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when bytes are kept under the state that was asked for: the old state would then mean the new rows."""
    old = place_in(team)
    item = make_item(team, ana)  # between reading where one stands and reading the rows
    found = feed.read_feed(old, ask())
    assert str(found.state) == item.state
    assert caches["default"].get(feed._key(old.calendar, old.state, "full", ask())) is None
    monkeypatch.setattr(feed, "_compute", refuse)
    assert feed.read_feed(place_in(team), ask()) == found


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\n[]", b"1.00000000000000aa", b"\xff\n[]", "text", 7])
def test_garbage_in_the_cache_is_no_answer(garbage: object, team: Calendar, ana: User) -> None:
    make_item(team, ana)
    place = place_in(team)
    right = feed.read_feed(place, ask())
    caches["default"].set(feed._key(place.calendar, place.state, "full", ask()), garbage)
    assert feed.read_feed(place, ask()) == right


def test_a_reader_is_never_answered_below_the_revision_asked_for(team: Calendar, ana: User) -> None:
    make_item(team, ana)
    place = place_in(team)
    assert feed.read_feed(place, feed.Query(WEEK, min_revision=1)).state.revision == 1
    with pytest.raises(NotYet):
        feed.read_feed(place, feed.Query(WEEK, min_revision=2))


def test_a_restored_database_never_meets_the_keys_of_the_history_that_was_lost(team: Calendar, ana: User) -> None:
    """Design §7. Fails when the cache key has the revision without the nonce."""
    make_item(team, ana, title="lost")
    lost = feed.read_feed(place_in(team), ask())
    assert titles(lost) == ["lost"]
    # What a back-up from before that change would bring back.
    first = ChangeSet.objects.get(calendar=team, revision=0)
    Entry.objects.filter(change_set__calendar=team).delete()
    ChangeSet.objects.filter(calendar=team, revision=1).delete()
    WorkItem.objects.filter(calendar=team).delete()
    Calendar.objects.filter(pk=team.pk).update(revision=0, nonce=first.nonce)
    make_item(team, ana, title="new")
    found = feed.read_feed(place_in(team), ask())
    assert found.state.revision == lost.state.revision
    assert titles(found) == ["new"]
    assert found.etag != lost.etag


# --- several sources -------------------------------------------------------------------------------------------------


class Tasks(WorkItems):
    """A second source, of the same table: what a host site's own model would be."""

    filters = {}  # noqa: RUF012 - a ClassVar in the base class


@pytest.fixture
def two_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = dict(sources._sources)
    monkeypatch.setattr(sources, "_sources", mine | {Tasks: Tasks()})


def test_two_sources_are_one_statement_and_one_feed(two_sources: None, team: Calendar, ana: User) -> None:
    make_item(team, ana, title="a")
    place = place_in(team)
    with CaptureQueriesContext(connection) as asked:
        found = feed.read_feed(place, ask())
    assert len(asked) == 1
    assert titles(found) == ["a", "a"]
    assert found.state == place.state


def test_a_source_that_knows_a_filter_not_has_no_rows_in_its_answer(
    two_sources: None, team: Calendar, ana: User
) -> None:
    make_item(team, ana, title="a", work_type="task")
    assert titles(feed.read_feed(place_in(team), ask(work_type=("task",)))) == ["a"]


def test_a_lone_source_without_the_filter_still_gives_the_state(
    monkeypatch: pytest.MonkeyPatch, team: Calendar, ana: User
) -> None:
    monkeypatch.setattr(sources, "_sources", {Tasks: Tasks()})
    item = make_item_unregistered(team, ana)
    found = feed.read_feed(place_in(team), ask(work_type=("task",)))
    assert (str(found.state), found.body) == (item.state, b"[]")


def make_item_unregistered(team: Calendar, ana: User) -> WorkItem:
    sources.register(WorkItems())
    try:
        return make_item(team, ana)
    finally:
        del sources._sources[WorkItem]


# --- the seed's fault ------------------------------------------------------------------------------------------------


def test_a_deletion_by_one_user_is_gone_for_everyone_in_every_range_and_filter_at_once(ana: User) -> None:
    """The fault this project exists for. Fails when a key lacks the state, or the state comes from a cache."""
    people = {"ana": ana, **{name: make_user(name) for name in ("ben", "cara", "free")}}
    team = make_calendar(ana, editor=people["ben"], viewer=people["cara"])
    set_role(team, member=people["free"], role=Role.FREEBUSY)
    item = make_item(team, ana, work_type="meeting", status="blocked")
    kept = make_item(team, ana, work_type="meeting", status="blocked", title="Kept")
    month = datetime(2026, 11, 1, tzinfo=UTC)
    ranges = [
        (month, month + 30 * DAY),
        (month - 7 * DAY, month + 35 * DAY),  # FullCalendar's six weeks
        (month + 7 * DAY, month + 49 * DAY),
        *((NINE - hours * HOUR, NINE + HOUR) for hours in range(5)),  # exact dates, each its own key
    ]
    filters: list[dict[str, tuple[str, ...]]] = [{}, {"work_type": ("meeting",)}, {"status": ("blocked",)}]
    questions = [
        (who, ask_for(wanted, Range(*window))) for who in people.values() for window in ranges for wanted in filters
    ]

    def ids() -> list[set[str]]:
        return [
            {one["id"] for one in orjson.loads(feed.read_feed(standing(who, team.pk), query).body)}
            for who, query in questions
        ]

    cold, warm = ids(), ids()
    assert cold == warm
    assert sum(str(item.pk) in found for found in warm) >= len(ranges) * len(filters)
    delete_item(team.pk, actor=people["ben"], item_id=item.pk)
    after = ids()
    assert not any(str(item.pk) in found for found in after)
    assert after == [found - {str(item.pk)} for found in warm]
    assert sum(str(kept.pk) in found for found in after) >= len(ranges) * len(filters)
