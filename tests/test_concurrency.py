"""Tests many writers at once: revisions become visible in order, and no two writers wait for each other."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from calendar_live import changelog
from calendar_live.changelog.verify import differences
from calendar_live.errors import CalendarLiveError
from calendar_live.models import Calendar, ChangeSet, Membership, Role, WorkItem
from calendar_live.services import accounts, calendars, sharing
from calendar_live.services.items import create_item, delete_item, delete_items, edit_items, move_item, update_item
from tests.people import NINE, make_calendar, make_item, make_user
from tests.threads import at_once

WRITERS: Final = 16
FIELDS: Final = {"title": "x", "start": NINE, "end": NINE}


# --- commit order ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 4])
def test_a_reader_of_the_log_beside_sixteen_writers_never_sees_a_gap(count: int, ana: User) -> None:
    """Invariant 1. Seen failing on PostgreSQL when a separate statement reads the revision before the row is locked."""
    teams = [make_calendar(ana, name=f"Team {number}") for number in range(count)]
    keys = [str(team.pk) for team in teams]
    left, seen = [WRITERS], 0

    def write(number: int) -> None:
        try:
            for turn in range(6):
                create_item(teams[(number + turn) % count].pk, actor=ana, item_id=uuid4(), fields=FIELDS)
        finally:
            left[0] -= 1

    def read() -> None:
        nonlocal seen
        cursors = changelog.heads(keys)
        while left[0] > 0:
            for key, head in changelog.heads(keys).items():
                since = changelog.read_since(key, cursors[key], max_sets=1000, max_bytes=10**9).change_sets
                revisions = [one.new.revision for one in since]
                start = cursors[key].revision
                assert revisions == list(range(start + 1, start + 1 + len(revisions))), "a gap"
                assert start + len(revisions) >= head.revision, "what was visible is"
                cursors[key] = since[-1].new if since else cursors[key]
                seen += len(since)

    at_once([*(lambda number=number: write(number) for number in range(WRITERS)), read])
    assert seen > 0, "it read while they wrote"
    assert sum(Calendar.objects.get(pk=team.pk).revision for team in teams) == WRITERS * 6
    assert [problem for team in teams for problem in differences(team.pk)] == []


# --- the order of locks ----------------------------------------------------------------------------------------------


class Crowd:
    """People who change a few shared calendars at random. Being refused is not a failure, but a deadlock is."""

    def __init__(self, ana: User, ben: User) -> None:
        self.ana, self.ben = ana, ben
        self.teams = [make_calendar(ana, editor=ben, name=f"Team {number}") for number in range(3)]
        self.guests = [make_user(f"guest{number}") for number in range(6)]
        for team in self.teams:
            for guest in self.guests:
                calendars.set_role(team, member=guest, role=Role.EDITOR)
                for _ in range(3):
                    make_item(team, guest, assignee_keys=[str(guest.pk), str(ben.pk)])

    def items(self, team: Calendar, dice: random.Random) -> list[UUID]:
        found = list(WorkItem.objects.filter(calendar=team, deleted_at=None).values_list("pk", flat=True))
        return dice.sample(found, min(3, len(found)))

    def act(self, dice: random.Random) -> None:
        """Do one thing at random, as one of the two editors."""
        one, other = dice.sample(self.teams, 2)
        items = self.items(one, dice)
        actor = dice.choice([self.ana, self.ben])
        deeds: list[Callable[[], Any]] = [
            lambda: move_item(one.pk, actor=actor, item_id=items[0], target_id=other.pk),
            lambda: move_item(one.pk, actor=actor, item_id=items[-1], target_id=other.pk),
            lambda: edit_items(
                one.pk, actor=actor, changes={item: {"title": "y", "assignee_keys": []} for item in items}
            ),
            lambda: delete_items(one.pk, actor=actor, item_ids=items[:1]),
            lambda: calendars.set_role(one, member=dice.choice(self.guests), role=dice.choice(list(Role))),
            lambda: calendars.edit_calendar(one.pk, actor=self.ana, changes={"name": "z"}),
            lambda: create_item(one.pk, actor=actor, item_id=uuid4(), fields=FIELDS),
        ]
        with suppress(CalendarLiveError, IndexError):
            dice.choice(deeds)()

    def leave(self, guest: User) -> None:
        with suppress(CalendarLiveError):
            accounts.delete_user(guest)

    def delete_a_calendar(self) -> None:
        with suppress(CalendarLiveError):
            calendars.delete_calendar(self.teams[0].pk, actor=self.ana)


@pytest.mark.django_db(transaction=True)
def test_whatever_people_do_at_once_nobody_waits_for_whom_waits_for_them(ana: User, ben: User) -> None:
    """Seen failing on PostgreSQL when a move locks its source first, or a deletion of a user in descending order."""
    crowd = Crowd(ana, ben)

    def work(number: int) -> None:
        dice = random.Random(number)
        for _ in range(8):
            crowd.act(dice)

    def clear() -> None:
        for guest in crowd.guests[:3]:
            crowd.leave(guest)
        crowd.delete_a_calendar()

    at_once([*(lambda number=number: work(number) for number in range(10)), clear])
    assert [problem for team in crowd.teams[1:] for problem in differences(team.pk)] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whole", [True, False], ids=["a calendar in the trash", "items in the trash"])
def test_two_who_wrote_the_same_in_the_trash_are_deleted_at_once(whole: bool, ana: User) -> None:
    """Seen failing when only calendars are locked that are not in the trash and have items of the user that are not."""
    team, pair = make_calendar(ana), [make_user("eve"), make_user("flo")]
    for user in pair:
        calendars.set_role(team, member=user, role=Role.EDITOR)
    for one, other in (pair, pair[::-1]):
        item = make_item(team, one, assignee_keys=[])
        update_item(team.pk, actor=other, item_id=item.pk, changes={"title": "y"}, expected_state=None)
        delete_item(team.pk, actor=ana, item_id=item.pk)
    for user in pair:
        calendars.remove_member(team, member=user)
    if whole:
        calendars.delete_calendar(team.pk, actor=ana)
    both_wrote = threading.Barrier(2)

    def pause(execute: Any, sql: str, *arguments: Any) -> Any:
        done = execute(sql, *arguments)
        if sql.startswith('UPDATE "calendar_live_workitem"'):
            with suppress(threading.BrokenBarrierError):  # the other may wait for a lock that this thread holds
                both_wrote.wait(1)
        return done

    def delete(user: User) -> None:
        with connection.execute_wrapper(pause):
            accounts.delete_user(user)

    at_once([partial(delete, user) for user in pair])
    assert not User.objects.filter(pk__in=[user.pk for user in pair]).exists()


@pytest.mark.django_db(transaction=True)
def test_the_log_is_pruned_while_one_who_wrote_in_it_is_deleted(ana: User) -> None:
    """Seen failing on PostgreSQL when rows are locked only as they are deleted: a deadlock, which either may lose."""
    team, eve = make_calendar(ana), make_user("eve")
    calendars.set_role(team, member=eve, role=Role.EDITOR)
    item = make_item(team, eve)
    for number in range(150):  # Django deletes the newest hundred first
        update_item(team.pk, actor=eve, item_id=item.pk, changes={"title": str(number)}, expected_state=None)
    began, unnamed = threading.Event(), threading.Event()

    def pause(execute: Any, sql: str, *arguments: Any) -> Any:
        done = execute(sql, *arguments)
        if sql.startswith('DELETE FROM "calendar_live_changeset"') and not began.is_set():
            began.set()
            unnamed.wait(1)  # this times out if the other waits for a lock that this thread holds
        return done

    def tell(execute: Any, sql: str, *arguments: Any) -> Any:
        done = execute(sql, *arguments)
        if sql.startswith('UPDATE "calendar_live_changeset"'):
            unnamed.set()
        return done

    def prune() -> int:
        with connection.execute_wrapper(pause):
            return changelog.prune(before=timezone.now() + timedelta(days=1), at_most=500)

    def delete() -> None:
        assert began.wait(10)
        with connection.execute_wrapper(tell):
            accounts.delete_user(eve)

    at_once([prune, delete])
    assert not User.objects.filter(pk=eve.pk).exists()
    changelog.prune(before=timezone.now() + timedelta(days=1))
    assert ChangeSet.objects.filter(calendar=team).count() == 1
    assert list(differences(team.pk)) == []


# --- a user who is deleted while others share with them --------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_calendar_given_to_somebody_who_is_just_deleted_has_an_owner(ana: User) -> None:
    """Seen failing on PostgreSQL without the lock on the user: 500 for a broken reference, or no owner left."""
    for number in range(20):
        eve, team = make_user(f"eve{number}"), make_calendar(ana)

        def give(eve: User = eve, team: Calendar = team) -> None:
            with suppress(CalendarLiveError):
                sharing.share(team.pk, actor=ana, to=eve.username, role=Role.OWNER)
                sharing.answer_offer(team.pk, actor=eve, accept=True)
                sharing.leave(team.pk, actor=ana)

        def delete(eve: User = eve) -> None:
            with suppress(CalendarLiveError):
                accounts.delete_user(eve)

        at_once([give, delete])
        team.refresh_from_db()
        assert team.deleted_at is not None or Membership.objects.filter(calendar=team, role=Role.OWNER).exists()
