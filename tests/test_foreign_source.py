"""Tests that `sources` and `changelog.change` alone make a host's model live: feed, log, push and rights."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import ProtectedError, Q
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendar_live import changelog, sources
from calendar_live.changelog.verify import differences
from calendar_live.models import Calendar
from calendar_live.protocol.changes import ChangeSet
from calendar_live.protocol.state import State
from calendar_live.schedule.ranges import Range, parse_instant
from tests.foreign import courses
from tests.foreign.bookings import Bookings, book, cancel, rename
from tests.foreign.courses import LiveCourses
from tests.foreign.models import Booking, Course, LiveCourse
from tests.people import NINE, make_item

pytestmark = pytest.mark.django_db(transaction=True)
RANGE = {"start": "2026-11-01", "end": "2026-12-01"}


@pytest.fixture(autouse=True)
def _live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the host's sources for these tests only."""
    monkeypatch.setattr(sources, "_sources", dict(sources._sources))
    sources.register(Bookings())
    sources.register(LiveCourses())


def _feed(client: Client, calendar: Calendar, **more: str) -> dict[str, dict[str, object]]:
    answer = client.get(f"/api/calendars/{calendar.pk}/feed/", RANGE | more)
    assert answer.status_code == 200, answer.content
    return {item["id"]: item for item in answer.json()}


def _book(calendar: Calendar) -> Booking:
    return book(calendar.pk, room="Mayon", guest="Rosa", start=NINE, end=NINE + timedelta(hours=1))


def test_its_rows_stand_in_the_feed_beside_work_items(client: Client, team: Calendar, ana: User) -> None:
    item, booking = make_item(team, ana), _book(team)
    client.force_login(ana)
    shown = _feed(client, team)
    assert shown.keys() == {str(item.pk), str(booking.pk)}
    assert shown[str(booking.pk)]["title"] == "Rosa · Mayon"
    assert shown[str(booking.pk)]["room"] == "Mayon"
    people = ("createdBy", "updatedBy")  # its source does not return them
    assert list(shown[str(booking.pk)])[:-1] == [name for name in shown[str(item.pk)] if name not in people]


def test_its_feed_is_one_statement_too(client: Client, team: Calendar, ana: User) -> None:
    _book(team)
    client.force_login(ana)
    with CaptureQueriesContext(connection) as queries:
        _feed(client, team)
    assert len([one for one in queries if "foreign_booking" in one["sql"]]) == 1
    assert len([one for one in queries if "calendar_live_workitem" in one["sql"]]) == 1
    assert len({one["sql"] for one in queries if "foreign_booking" in one["sql"] or "workitem" in one["sql"]}) == 1


def test_its_changes_are_logged_and_announced_in_order(team: Calendar) -> None:
    heard: list[ChangeSet] = []

    def hear(*, change_set: ChangeSet, **_: object) -> None:
        heard.append(change_set)

    changelog.change_committed.connect(hear)
    start = Calendar.objects.get(pk=team.pk).state
    try:
        booking = _book(team)
        rename(booking, guest="Pia")
        cancel(booking)
    finally:
        changelog.change_committed.disconnect(hear)
    assert [one.old for one in heard] == [start, heard[0].new, heard[1].new]
    wires = [entry.wire for one in heard for entry in one.entries or ()]
    assert [wire and orjson.loads(wire)["title"] for wire in wires] == ["Rosa · Mayon", "Pia · Mayon", None]
    since = changelog.read_since(str(team.pk), start, max_sets=10, max_bytes=10**6)
    assert since.change_sets == tuple(heard)


def test_a_cancelled_booking_is_gone_from_every_range_at_once(client: Client, team: Calendar, ana: User) -> None:
    booking = _book(team)
    client.force_login(ana)
    assert str(booking.pk) in _feed(client, team)
    cancel(booking)
    assert str(booking.pk) not in _feed(client, team)


def test_a_filter_it_does_not_know_leaves_its_rows_out(client: Client, team: Calendar, ana: User) -> None:
    item, _ = make_item(team, ana, work_type="task"), _book(team)
    client.force_login(ana)
    assert _feed(client, team, work_type="task").keys() == {str(item.pk)}


def test_a_private_booking_is_busy_for_viewers(client: Client, team: Calendar, cara: User) -> None:
    booking = _book(team)
    booking.visibility = "private"
    rename(booking, guest="Secret Guest")
    client.force_login(cara)
    body = client.get(f"/api/calendars/{team.pk}/feed/", RANGE).content
    assert b"Secret" not in body
    assert b"Mayon" not in body
    assert orjson.loads(body)[0]["busy"] is True


def test_a_table_with_keys_of_its_own_is_live_by_a_row_beside_each_of_its_rows(
    client: Client, team: Calendar, ana: User
) -> None:
    """The example of docs/architecture.md. PROTECT keeps a course from being deleted past the log."""
    course = Course(title="Knots", starts_at=NINE, ends_at=NINE + timedelta(hours=1))
    client.force_login(ana)
    for title in ("Knots", "Knots and splices"):
        course.title = title
        courses.save(team.pk, actor=ana, course=course)
        [shown] = _feed(client, team).values()
        assert (shown["title"], course.pk) == (title, Course.objects.get().pk)
    with pytest.raises(ProtectedError):
        course.delete()
    courses.cancel(team.pk, actor=ana, course=course)
    assert _feed(client, team) == {}
    assert not Course.objects.exists()
    assert not LiveCourse.objects.exists()
    assert list(differences(team.pk)) == []


def test_a_row_without_a_source_is_refused_before_anything_is_written(
    team: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_sources", {})
    before = Calendar.objects.get(pk=team.pk).state
    with pytest.raises(LookupError, match="Booking has no source"):
        _book(team)
    assert Calendar.objects.get(pk=team.pk).state == before == State(before.revision, before.nonce)
    assert not Booking.objects.exists()


def test_a_row_shows_where_its_source_says_and_as_often(client: Client, team: Calendar, ana: User) -> None:
    """Fails when the range's condition does not come from the source, or when the feed has each row only once."""

    class Fortnightly(Bookings):
        """Repeats each booking after two weeks."""

        def in_range(self, within: Range, *, at: str = "") -> Q:
            earlier = Range(within.start - timedelta(days=14), within.end - timedelta(days=14))
            return super().in_range(within, at=at) | super().in_range(earlier, at=at)

        def occurrences(self, wire: str, within: Range) -> list[str]:
            event = orjson.loads(wire)
            starts = [parse_instant(event["start"]) + timedelta(days=days) for days in (0, 14)]
            return [
                orjson.dumps(event | {"start": start.isoformat()}).decode()
                for start in starts
                if within.start <= start < within.end
            ]

    sources.register(Fortnightly())
    client.force_login(ana)
    booking, item = _book(team), make_item(team, ana)

    def starts(start: str, end: str) -> list[str]:
        rows = client.get(f"/api/calendars/{team.pk}/feed/", {"start": start, "end": end}).json()
        assert {row["id"] for row in rows} <= {str(booking.pk), str(item.pk)}
        return [row["start"][:10] for row in rows if row["id"] == str(booking.pk)]

    first, again = NINE.date(), NINE.date() + timedelta(days=14)
    day = timedelta(days=1)
    assert starts(str(first), str(again + day)) == [str(first), str(again)]
    assert starts(str(again), str(again + day)) == [str(again)]
    assert starts(str(first), str(first + day)) == [str(first)]
    assert starts(str(first + day), str(again)) == []
