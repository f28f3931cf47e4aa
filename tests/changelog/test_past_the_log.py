"""Tests that rows written past the log are refused where possible, and otherwise left out, counted and logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any, Final, get_args

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core import serializers
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy
from prometheus_client import REGISTRY

from calendar_live import changelog, sources
from calendar_live.breaker import Breaker
from calendar_live.changelog.verify import differences
from calendar_live.live import codec
from calendar_live.models import Calendar, Entry, WorkItem
from calendar_live.protocol import changes
from calendar_live.protocol.rights import Rights
from calendar_live.reading import feed
from tests.feeds import WEEK, ask, standing_in
from tests.foreign.bookings import Bookings, book, rename
from tests.foreign.models import Booking
from tests.history import head_of, log_of
from tests.people import NINE, make_calendar, make_item
from tests.recording import all_rows
from tests.reference import feed_body, fold

pytestmark = pytest.mark.django_db(transaction=True)
TEN: Final = NINE + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the host's source for these tests only, and let each test log again what is left out."""
    monkeypatch.setattr(sources, "_sources", dict(sources._sources))
    monkeypatch.setattr(sources, "_unsound_was_said", Breaker())
    sources.register(Bookings())


@pytest.fixture
def _unguarded() -> Iterator[None]:
    """Remove the table's constraint, as on a host that has not yet made the migration for it."""
    [constraint] = Booking._meta.constraints
    Booking._meta.constraints = []  # SQLite recreates the table from these
    with connection.schema_editor() as editor:
        editor.remove_constraint(Booking, constraint)
    yield
    Booking.objects.all().delete()
    Booking._meta.constraints = [constraint]
    with connection.schema_editor() as editor:
        editor.add_constraint(Booking, constraint)


def a_booking(calendar: Calendar, **columns: Any) -> Booking:
    return Booking(calendar=calendar, room="Mayon", guest="Rosa", start=NINE, end=TEN, **columns)


def left_out() -> float:
    return REGISTRY.get_sample_value("calendar_live_unsound_wires_total") or 0


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["save", "delete", "asave", "create"])
def test_a_row_is_not_saved_or_deleted_outside_a_change(call: str, team: Calendar) -> None:
    """Seen failing: the row was stored with an empty wire, and the calendar was then empty for everybody."""
    known = book(team.pk, room="Mayon", guest="Pia", start=NINE, end=TEN)
    before = all_rows("foreign")
    calls: dict[str, Any] = {
        "save": lambda: a_booking(team).save(),
        "delete": known.delete,
        "asave": lambda: async_to_sync(known.asave)(),
        "create": lambda: Booking.objects.create(calendar=team, room="Mayon", guest="Rosa", start=NINE, end=TEN),
    }
    with pytest.raises(
        RuntimeError, match=r"Booking\.\w+\(\) outside calendar_live\.changelog\.change of its calendar"
    ):
        calls[call]()
    assert all_rows("foreign") == before


def test_a_change_of_another_calendar_is_none_of_the_rows(team: Calendar, ana: User) -> None:
    other, row = make_calendar(ana, name="Other"), book(team.pk, room="Mayon", guest="Pia", start=NINE, end=TEN)
    with pytest.raises(RuntimeError, match="outside"), changelog.change(other.pk, actor=ana):
        row.save()
    said = f"Booking {row.pk} is in calendar {team.pk}, not in {other.pk}"
    with pytest.raises(ValueError, match=said), changelog.change(other.pk, actor=ana) as change:
        change.upsert(row)


def test_inside_a_change_rows_are_saved_and_deleted_as_django_does(team: Calendar, ana: User) -> None:
    row = book(team.pk, room="Mayon", guest="Pia", start=NINE, end=TEN)
    with changelog.change(team.pk, actor=ana) as change:
        row.save()
        change.upsert(row)
    with changelog.change(team.pk, actor=ana) as change:
        change.destroy(row)
        row.delete()
    assert list(differences(team.pk)) == []
    with pytest.raises(RuntimeError):
        row.save()


def test_what_was_deleted_softly_is_deleted_for_good_without_a_change(team: Calendar) -> None:
    row = book(team.pk, room="Mayon", guest="Pia", start=NINE, end=TEN)
    row.deleted_at = TEN
    assert row.delete()[0] == 1


def test_a_fixture_is_loaded(team: Calendar) -> None:
    row = book(team.pk, room="Mayon", guest="Pia", start=NINE, end=TEN)
    text = serializers.serialize("json", [row])
    Booking.objects.filter(pk=row.pk).delete()
    for loaded in serializers.deserialize("json", text):
        loaded.save()
    assert Booking.objects.get().wire == row.wire


@pytest.mark.parametrize("model", [Booking, WorkItem])
def test_the_database_takes_no_row_without_an_event_object(model: Any, team: Calendar) -> None:
    """Bulk calls of Django, or SQL, write such rows past the log. Seen failing without the constraint of LiveModel."""
    for wire in ("", "{}"):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.bulk_create([model(calendar=team, start=NINE, end=TEN, wire=wire)])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("start", NINE),
        ("end", "2026-11-23T08:00:00Z"),
        ("color", "red"),
        ("title", gettext_lazy("Item")),
        ("calendar", "11111111-1111-4111-8111-111111111111"),
        ("room", object()),
    ],
)
def test_an_event_object_that_no_client_can_read_is_not_written(
    field: str, value: object, team: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing: it was written, and then every browser refused the whole feed because of it."""
    row, event = a_booking(team), Bookings.event
    monkeypatch.setattr(Bookings, "event", lambda self, row: event(self, row) | {field: value})
    before = all_rows("foreign")
    with pytest.raises(sources.InvalidEvent) as refused, changelog.change(team.pk, actor=None) as change:
        change.upsert(row)
    named = "object" if field == "room" else field
    assert str(refused.value).startswith(f"Bookings.event() of Booking {row.pk}: ")
    assert named in str(refused.value)
    assert all_rows("foreign") == before


# --- rows that are there nevertheless ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("_unguarded")
@pytest.mark.parametrize("rights", get_args(Rights))
def test_a_row_saved_past_the_log_is_left_out_of_the_feed_alone(
    rights: Rights, team: Calendar, ana: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Invariant 2: the log lacks the row, too. Seen failing: `{…},,{…}`, which is not JSON, and a 500 below `full`."""
    item, booking = make_item(team, ana), book(team.pk, room="Mayon", guest="Rosa", start=NINE, end=TEN)
    bad = [a_booking(team, wire=wire) for wire in ("", "{}", "null", booking.wire)]
    Booking.objects.bulk_create(bad)
    before = left_out()
    body, again = (feed._compute(standing_in(team, rights), ask())[1].partition(b"\n")[2] for _ in range(2))
    assert body == again
    assert {row["id"] for row in orjson.loads(body)} == {str(item.pk), str(booking.pk)}
    assert body == feed_body(fold(log_of(team)), WEEK.start, WEEK.end, rights)
    assert left_out() - before == 2 * len(bad)
    assert len([record for record in caplog.records if "is no event object of that row" in record.getMessage()]) == 1
    for row in bad:
        assert any(line.startswith(str(row.pk)) for line in differences(team.pk))


def test_a_row_moved_past_the_log_is_left_out_where_its_wire_is_not_of(team: Calendar, ana: User) -> None:
    """Seen failing: a page refused a feed in which a wire named another calendar, and requested it again and again."""
    other, booking = make_calendar(ana, name="Other"), book(team.pk, room="Mayon", guest="Rosa", start=NINE, end=TEN)
    Booking.objects.filter(pk=booking.pk).update(calendar=other)
    assert feed.read_feed(standing_in(other), ask()).body == b"[]"


@pytest.mark.parametrize(("bad", "rights"), list(product(["", "{}", "x"], get_args(Rights))))
def test_an_unsound_wire_of_the_log_reads_as_destroyed(bad: str, rights: Rights, team: Calendar, ana: User) -> None:
    """In a replay as in a feed of the same rows. Seen failing: a frame that was not JSON, and an error below `full`."""
    start = head_of(team)
    booking = book(team.pk, room="Mayon", guest="Rosa", start=NINE, end=TEN)
    rename(booking, guest="Pia")
    Entry.objects.filter(item=booking.pk, change_set__revision=2).update(wire=bad)
    since = changelog.read_since(str(team.pk), start, max_sets=10, max_bytes=10**6)
    first, second = (changes.seen_by(one.entries or (), rights) for one in since.change_sets)
    assert (len(first.upserted), first.destroyed) == (1, ())
    assert second == changes.Seen((), (str(booking.pk),))


def test_an_unsound_wire_of_a_broadcast_reads_as_destroyed(team: Calendar) -> None:
    """A process of an older version may have sent such a broadcast."""
    book(team.pk, room="Mayon", guest="Rosa", start=NINE, end=TEN)
    [told] = log_of(team)
    message = codec.encode(told)
    assert codec.decode(message) == told
    assert message["entries"] is not None
    message["entries"][0][1] = ""
    [entry] = codec.decode(message).entries or ()
    assert entry.wire is None


@pytest.mark.usefixtures("_unguarded")
@pytest.mark.parametrize("visibility", ["normal", "secret"])
def test_a_row_saved_past_the_log_is_put_right_by_a_change(visibility: str, team: Calendar, ana: User) -> None:
    row = a_booking(team, visibility=visibility, wire="x")
    Booking.objects.bulk_create([row])
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(Booking.objects.get())
    assert list(differences(team.pk)) == []
    assert str(row.pk).encode() in feed.read_feed(standing_in(team), ask()).body


def test_verify_log_names_a_row_whose_source_makes_no_event_object_of_it(
    team: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = book(team.pk, room="Mayon", guest="Rosa", start=NINE, end=TEN)
    event = Bookings.event
    monkeypatch.setattr(Bookings, "event", lambda self, row: event(self, row) | {"start": row.start})
    [line] = differences(team.pk)
    assert line.startswith(f"{row.pk}: Bookings.event() of Booking {row.pk}: start is ")
