"""Tests that a feed is computed once for all readers with the same rights, and that no cached answer is old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from django.contrib.auth.models import User
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendar_live.access import Standing, standing
from calendar_live.errors import NotYet
from calendar_live.models import Calendar, Role
from calendar_live.protocol.rights import Access
from calendar_live.protocol.state import State
from calendar_live.reading import feed
from calendar_live.schedule.ranges import Range
from calendar_live.services.calendars import set_role
from calendar_live.services.items import delete_item
from tests.feeds import DAY, HOUR, WEEK, ask, ask_for, standing_in, titles
from tests.history import go_back
from tests.people import NINE, make_calendar, make_item, make_user

pytestmark = pytest.mark.django_db(transaction=True)


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
        lambda standing: (standing, ask(WEEK.start + timedelta(seconds=1))),
        lambda standing: (standing, ask(end=WEEK.end + timedelta(seconds=1))),
        lambda standing: (standing, ask(work_type=("task",))),
        lambda standing: (standing, ask(status=("blocked",))),
        lambda standing: (Standing(standing.calendar, "", Access("shared", 1), standing.state), ask()),
        lambda standing: (Standing(standing.calendar, "", Access("freebusy", 1), standing.state), ask()),
        lambda standing: (
            Standing(standing.calendar, "", standing.access, State(standing.state.revision, "f" * 16)),
            ask(),
        ),
    ],
    ids=["start", "end", "type", "status", "shared", "freebusy", "nonce"],
)
def test_a_feed_of_anything_else_is_another_one(
    other: Callable[[Standing], tuple[Standing, feed.Query]], team: Calendar, ana: User
) -> None:
    """Fails when the key lacks a part of the query."""
    make_item(team, ana)
    standing = standing_in(team)
    feed.read_feed(standing, ask())
    with CaptureQueriesContext(connection) as asked:
        feed.read_feed(*other(standing))
    assert len(asked) == 1, "computed, not taken from the cache"


def test_a_filter_in_another_order_is_the_same_question(team: Calendar) -> None:
    standing = standing_in(team)
    one, other = ask(status=("blocked", "completed")), ask(status=("completed", "blocked"))
    assert feed._key(standing.calendar, standing.state, "full", one) == feed._key(
        standing.calendar, standing.state, "full", other
    )


def test_a_feed_newer_than_the_reader_knew_is_kept_under_its_own_state(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when bytes are cached under the requested state: the old state would then stand for the new rows."""
    old = standing_in(team)
    item = make_item(team, ana)  # after the standing was read, and before the rows are
    found = feed.read_feed(old, ask())
    assert str(found.state) == item.state
    assert caches["default"].get(feed._key(old.calendar, old.state, "full", ask())) is None
    monkeypatch.setattr(feed, "_compute", refuse)
    assert feed.read_feed(standing_in(team), ask()) == found


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\n[]", b"1.00000000000000aa", b"\xff\n[]", "text", 7])
def test_garbage_in_the_cache_is_no_answer(garbage: object, team: Calendar, ana: User) -> None:
    make_item(team, ana)
    standing = standing_in(team)
    right = feed.read_feed(standing, ask())
    caches["default"].set(feed._key(standing.calendar, standing.state, "full", ask()), garbage)
    assert feed.read_feed(standing, ask()) == right


def test_a_reader_is_never_answered_below_the_revision_asked_for(team: Calendar, ana: User) -> None:
    make_item(team, ana)
    standing = standing_in(team)
    assert feed.read_feed(standing, feed.Query(WEEK, min_revision=1)).state.revision == 1
    with pytest.raises(NotYet):
        feed.read_feed(standing, feed.Query(WEEK, min_revision=2))


def test_a_restored_database_never_meets_the_keys_of_the_history_that_was_lost(team: Calendar, ana: User) -> None:
    """Design §7. Fails when the cache key has the revision without the nonce."""
    make_item(team, ana, title="lost")
    lost = feed.read_feed(standing_in(team), ask())
    assert titles(lost) == ["lost"]
    go_back(team)
    make_item(team, ana, title="new")
    found = feed.read_feed(standing_in(team), ask())
    assert found.state.revision == lost.state.revision
    assert titles(found) == ["new"]
    assert found.etag != lost.etag


def test_a_deletion_by_one_user_is_gone_for_everyone_in_every_range_and_filter_at_once(ana: User) -> None:
    """The fault that this project exists to cure. Fails when a key lacks the state, or the state comes from a cache."""
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
        *((NINE - hours * HOUR, NINE + HOUR) for hours in range(5)),  # exact dates, each with a key of its own
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
