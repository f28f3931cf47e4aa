"""Tests that `manage.py verify_log` finds no difference in sound data, and names all damage done past the services."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from calendar_live import sources
from calendar_live.changelog import verify as verification
from calendar_live.changelog.verify import differences
from calendar_live.models import Calendar, ChangeSet, Entry, WorkItem
from calendar_live.services import retention
from calendar_live.services.accounts import delete_user
from calendar_live.services.items import delete_item, update_item
from tests.foreign.bookings import Bookings, book, cancel, rename
from tests.foreign.models import Booking
from tests.people import NINE, make_item
from tests.services.world import ACTIONS, the_world

pytestmark = pytest.mark.django_db(transaction=True)


def found(calendar: Calendar) -> list[str]:
    return list(differences(calendar.pk))


@pytest.mark.parametrize("name", ACTIONS)
def test_what_a_service_does_leaves_no_difference(name: str) -> None:
    world = the_world()
    ACTIONS[name](world, None)
    assert [line for calendar in world.calendars for line in found(calendar)] == []


def test_a_pruned_log_and_an_emptied_trash_are_no_difference(team: Calendar, ana: User, ben: User) -> None:
    for _ in range(3):
        make_item(team, ben, assignee_keys=[str(ben.pk)])
    gone = make_item(team, ana)
    delete_item(team.pk, actor=ana, item_id=gone.pk)
    delete_user(ben)
    later = timezone.now() + timedelta(days=99)
    for work in (retention.prune_log, retention.purge_trash):
        assert work(later)
        assert found(team) == []


def test_rows_of_a_host_sites_model_are_compared_too(team: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calendar_live.sources._sources", {**sources._sources})
    sources.register(Bookings())
    kept, gone = (book(team.pk, room="1", guest="G", start=NINE, end=NINE) for _ in range(2))
    rename(kept, guest="H")
    cancel(gone)
    assert found(team) == []
    Booking.objects.filter(pk=kept.pk).update(guest="Somebody else")
    assert found(team) == [f"{kept.pk}: its wire is not what its columns say."]


Damage = Callable[[WorkItem], object]


def item(row: WorkItem, **columns: object) -> int:
    return WorkItem.objects.filter(pk=row.pk).update(**columns)


DAMAGE: dict[str, tuple[Damage, str]] = {
    "a column": (lambda row: item(row, title="Other"), "its wire is not what its columns say"),
    "a wire": (lambda row: item(row, wire=row.wire.replace("Now", "New")), "not the one that was logged"),
    "a row gone": (lambda row: WorkItem.objects.filter(pk=row.pk).delete(), "that it is there; it is not"),
    "a row deleted": (lambda row: item(row, deleted_at=timezone.now()), "that it is there; it is not"),
    "a state ahead": (lambda row: item(row, state="99.0000000000000000"), "is none that this calendar has had"),
    "no state": (lambda row: item(row, state="x"), "is none that this calendar has had"),
    "another state": (lambda row: item(row, state="2.0000000000000000"), "the log's last word on it is of"),
    "an entry gone": (lambda row: Entry.objects.filter(item=row.pk).delete(), "the log says nothing of it"),
    "entries lost": (lambda row: Entry.objects.filter(item=row.pk).delete(), "has 0 entries; 1 were logged"),
    "an entry destroyed": (lambda row: Entry.objects.filter(item=row.pk).update(wire=None), "it is gone; it is there"),
    "a gap": (lambda row: ChangeSet.objects.filter(revision=2).delete(), "has nothing between"),
    "the head's row": (lambda row: ChangeSet.objects.filter(revision=3).delete(), "The log ends at 2."),
    "no log": (lambda row: ChangeSet.objects.all().delete(), "The log is empty"),
    "the head": (lambda row: Calendar.objects.update(revision=9), "the calendar is at 9."),
    "the nonce": (lambda row: Calendar.objects.update(nonce="0" * 16), "the calendar is at 3.0000000000000000"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named_and_the_command_fails(kind: str, team: Calendar, ana: User) -> None:
    make_item(team, ana)
    row = make_item(team, ana)
    update_item(team.pk, actor=ana, item_id=row.pk, changes={"title": "Now"}, expected_state=None)
    assert found(team) == []
    damage, said = DAMAGE[kind]
    row.refresh_from_db()
    damage(row)
    assert any(said in line for line in found(team)), found(team)
    errors = StringIO()
    with pytest.raises(CommandError, match=r"\d+ differences"):
        call_command("verify_log", stderr=errors)
    assert said in errors.getvalue()


def test_the_command_says_what_it_looked_at(team: Calendar, ana: User) -> None:
    said = StringIO()
    call_command("verify_log", calendar=team.pk, stdout=said)
    assert "1 calendars are what their logs say" in said.getvalue()
    with pytest.raises(CommandError, match="no such calendar"):
        call_command("verify_log", calendar=uuid4())


def test_a_calendar_without_an_active_owner_is_named(team: Calendar, ana: User) -> None:
    """Seen failing: nobody was told, and none of its members could do anything about it."""
    User.objects.filter(pk=ana.pk).update(is_active=False)
    errors = StringIO()
    with pytest.raises(CommandError, match="1 differences"):
        call_command("verify_log", stderr=errors)
    assert f"Team ({team.pk}): It has no owner whose account is active." in errors.getvalue()


def test_a_writer_meanwhile_is_no_difference(team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer commits after the log was read and before the rows are.

    Seen failing without a snapshot, and with IMMEDIATE on SQLite.
    """
    row = make_item(team, ana)
    read = verification._last_words

    def write() -> None:
        try:
            update_item(team.pk, actor=ana, item_id=row.pk, changes={"title": "Then"}, expected_state=None)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)

    def read_after_a_write(calendar_id: UUID) -> dict[UUID, verification.Told]:
        told = read(calendar_id)
        writer.start()
        writer.join(30)
        assert not writer.is_alive()
        return told

    monkeypatch.setattr(verification, "_last_words", read_after_a_write)
    assert found(team) == []
    monkeypatch.undo()
    assert WorkItem.objects.get(pk=row.pk).title == "Then"
    assert found(team) == []
