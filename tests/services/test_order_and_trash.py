"""Tests each user's own order of calendars, and the return of calendars from the trash."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calendar_live.access import standings
from calendar_live.errors import Invalid, NotFound
from calendar_live.models import Calendar, ChangeSet, WorkItem
from calendar_live.reading.calendars import describe_all
from calendar_live.services import calendars, sharing
from tests.people import make_calendar, make_item

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_order_is_ones_own_and_what_it_leaves_out_follows(ana: User, ben: User) -> None:
    made = [make_calendar(ana, editor=ben, name=name) for name in ("One", "Two", "Three", "Four")]
    sharing.set_order([made[2].pk, made[0].pk], actor=ben)
    assert [one["name"] for one in describe_all(ben)] == ["Three", "One", "Two", "Four"]
    assert [one["position"] for one in describe_all(ben)] == [0, 1, 2, 3]
    assert [one["name"] for one in describe_all(ana)] == ["One", "Two", "Three", "Four"]
    make_calendar(ben, name="Five")
    assert [one["name"] for one in describe_all(ben)] == ["Three", "One", "Two", "Four", "Five"]


def test_only_ones_own_calendars_are_ordered_and_each_once(team: Calendar, ana: User, dan: User) -> None:
    for actor, order in ((dan, [team.pk]), (ana, [team.pk, team.pk])):
        with pytest.raises(Invalid):
            sharing.set_order(order, actor=actor)


def test_a_calendar_comes_back_with_its_members_and_its_history_goes_on(team: Calendar, ana: User, ben: User) -> None:
    item = make_item(team, ana)
    before = {user.pk: standings(user)[0] for user in (ana, ben)}
    calendars.delete_calendar(team.pk, actor=ana)
    assert standings(ben) == []
    with pytest.raises(NotFound):
        calendars.restore_calendar(team.pk, actor=ben)
    calendars.restore_calendar(team.pk, actor=ana)
    for user in (ana, ben):
        [standing] = standings(user)
        assert (standing.role, standing.state.revision) == (before[user.pk].role, before[user.pk].state.revision + 2)
    assert list(ChangeSet.objects.filter(calendar=team).order_by("revision").values_list("revision", flat=True)) == [
        0,
        1,
        2,
        3,
    ]
    assert WorkItem.objects.get(pk=item.pk).deleted_at is None
    with pytest.raises(NotFound):
        calendars.restore_calendar(team.pk, actor=ana)


def test_a_calendar_whose_time_in_the_trash_is_over_does_not_come_back(team: Calendar, ana: User) -> None:
    """Its items may have been purged already."""
    calendars.delete_calendar(team.pk, actor=ana)
    Calendar.objects.update(deleted_at=timezone.now() - timedelta(days=30, seconds=1))
    with pytest.raises(NotFound):
        calendars.restore_calendar(team.pk, actor=ana)
