"""Tests the background work: one process at a time removes what is too old, in batches.

Everything that a user can see, restore or catch up from stays.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from calendar_live import changelog, conf
from calendar_live.access import standing
from calendar_live.changelog.verify import differences
from calendar_live.errors import CannotCalculateChanges
from calendar_live.models import Calendar, ChangeSet, Entry, Lease, Membership, Receipt, WorkItem
from calendar_live.protocol.state import State
from calendar_live.reading import feed
from calendar_live.schedule.ranges import EARLIEST, LATEST, Range
from calendar_live.services import retention
from calendar_live.services.accounts import delete_user
from calendar_live.services.calendars import create_calendar, delete_calendar
from calendar_live.services.items import delete_item, restore_items
from calendar_live.services.sharing import set_order
from tests.people import make_calendar, make_item
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ALWAYS: Final = feed.Query(Range(EARLIEST, LATEST))
DAY: Final = timedelta(days=1)


def feed_of(calendar: Calendar, user: User) -> bytes:
    return feed.read_feed(standing(user, calendar.pk), ALWAYS).body


def state_of(calendar: Calendar) -> State:
    return Calendar.objects.get(pk=calendar.pk).state


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the batch size to two rows, so that there are many batches."""
    monkeypatch.setattr(retention, "_BATCH", 2)


def test_the_log_keeps_its_days_and_each_calendars_newest(small: None, team: Calendar, ana: User) -> None:
    """Fails when the newest change set is removed as well: then no state can be verified any more."""
    other = make_calendar(ana)
    for _ in range(5):
        make_item(team, ana)
    before, picture = state_of(team), feed_of(team, ana)
    assert retention.prune_log(timezone.now()) == 0
    later = timezone.now() + (conf.app.LOG_DAYS + 1) * DAY
    assert retention.prune_log(later) == 5
    assert retention.prune_log(later) == 0
    assert list(ChangeSet.objects.filter(calendar=team).values_list("revision", flat=True)) == [before.revision]
    assert Entry.objects.exclude(change_set__calendar=team, change_set__revision=before.revision).count() == 0
    assert ChangeSet.objects.filter(calendar=other).count() == 1
    assert changelog.read_since(str(team.pk), before, max_sets=9, max_bytes=9_999).change_sets == ()
    with pytest.raises(CannotCalculateChanges):
        changelog.read_since(str(team.pk), State(before.revision - 1, "0" * 16), max_sets=9, max_bytes=9_999)
    assert feed_of(team, ana) == picture


def test_the_trash_keeps_its_days_then_goes_with_what_hung_on_it(small: None, team: Calendar, ana: User) -> None:
    """Fails when parents are removed before the items below them, or when only one batch is removed."""
    kept = make_item(team, ana)
    top = make_item(team, ana)
    for _ in range(3):
        make_item(team, ana, parent_id=make_item(team, ana, parent_id=top.pk).pk, assignee_keys=[str(ana.pk)])
    deletion = delete_item(team.pk, actor=ana, item_id=top.pk)
    picture = feed_of(team, ana)
    assert retention.purge_trash(timezone.now() + (conf.app.TRASH_DAYS - 1) * DAY) == 0
    restore_items(team.pk, actor=ana, item_ids=[top.pk], expected_state=deletion.state)
    delete_item(team.pk, actor=ana, item_id=top.pk)
    state = state_of(team)
    assert retention.purge_trash(timezone.now() + (conf.app.TRASH_DAYS + 1) * DAY) == 7
    assert list(WorkItem.objects.all()) == [kept]
    assert (state_of(team), feed_of(team, ana)) == (state, picture)


def test_what_is_restored_at_that_moment_stays(team: Calendar, ana: User) -> None:
    """Seen failing on PostgreSQL without the calendar's lock: the row was removed, but the log still had it."""
    item = make_item(team, ana)
    deletion = delete_item(team.pk, actor=ana, item_id=item.pk)
    restored, purged = threading.Event(), threading.Event()

    def restore() -> None:
        with transaction.atomic():
            restore_items(team.pk, actor=ana, item_ids=[item.pk], expected_state=deletion.state)
            restored.set()
            assert not purged.wait(0.5)  # `purge` has to wait

    def purge() -> None:
        assert restored.wait(10)
        retention.purge_trash(timezone.now() + (conf.app.TRASH_DAYS + 1) * DAY)
        purged.set()

    at_once([restore, purge])
    assert WorkItem.objects.get(pk=item.pk).deleted_at is None
    assert list(differences(team.pk)) == []


def test_a_deleted_calendar_goes_with_all_it_holds_and_no_other(team: Calendar, ana: User) -> None:
    gone, soon = make_calendar(ana), make_calendar(ana)
    for calendar in (team, gone, soon):
        make_item(calendar, ana, parent_id=make_item(calendar, ana).pk)
    delete_calendar(gone.pk, actor=ana)
    later = timezone.now() + (conf.app.TRASH_DAYS + 1) * DAY
    delete_calendar(soon.pk, actor=ana)
    Calendar.objects.filter(pk=soon.pk).update(deleted_at=later - DAY)
    assert retention.purge_trash(later) == 3
    assert set(Calendar.objects.all()) == {team, soon}
    for model in (WorkItem, ChangeSet, Membership):
        assert set(model._default_manager.values_list("calendar", flat=True)) == {team.pk, soon.pk}


# --- one process of many ---------------------------------------------------------------------------------------------


def test_a_lease_is_one_holders_until_it_expires(db: None) -> None:
    assert retention.take_lease("x", holder="one", seconds=60)
    assert not retention.take_lease("x", holder="two", seconds=60)
    assert retention.take_lease("x", holder="one", seconds=60), "renewed"
    assert retention.take_lease("y", holder="two", seconds=60), "another duty"
    Lease.objects.filter(duty="x").update(expires_at=datetime(2000, 1, 1, tzinfo=UTC))  # as if its holder had died
    assert retention.take_lease("x", holder="two", seconds=60)
    assert not retention.take_lease("x", holder="one", seconds=60)


def test_of_many_that_ask_at_once_one_gets_the_lease(db: None) -> None:
    """Fails when the lease is first read and then written."""
    got = at_once([partial(retention.take_lease, "x", holder=str(number), seconds=60) for number in range(6)])
    assert sorted(got) == [False] * 5 + [True]


def test_receipts_are_kept_as_long_as_the_log_and_go_with_their_user(small: None, team: Calendar, ana: User) -> None:
    """Seen failing when the task prunes only one batch, and when only the user's row is deleted."""
    keys = [uuid4() for _ in range(5)]
    for key in keys:
        create_calendar("Mine", actor=ana, mutation_id=key)
    set_order([], actor=team.memberships.get(role="editor").user, mutation_id=keys[0])
    assert retention.prune_receipts(timezone.now() + (conf.app.LOG_DAYS - 1) * DAY) == 0
    delete_user(team.memberships.get(role="editor").user)
    assert Receipt.objects.filter(user=ana).count() == Receipt.objects.count() == 5
    later = timezone.now() + (conf.app.LOG_DAYS + 1) * DAY
    assert retention.prune_receipts(later) == 5
    assert not Receipt.objects.exists()
