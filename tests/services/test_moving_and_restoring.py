"""Tests that items are moved between calendars and restored.

An item is always whole, in one calendar, and below a parent that exists there.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from calendar_live.errors import Forbidden, NotFound, Stale
from calendar_live.models import Calendar, ChangeSet, Role, WorkItem
from calendar_live.services.calendars import remove_member, set_role
from calendar_live.services.items import delete_item, move_item, restore_items, update_item
from tests.people import NINE, make_calendar, make_item
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(ana: User) -> Calendar:
    return make_calendar(ana, name="Other")


def families_are_whole() -> bool:
    """Return whether the parent of every living item is a living item of the same calendar."""
    living = WorkItem.objects.filter(deleted_at=None).select_related("parent")
    return all(
        one.parent is None or (one.parent.deleted_at is None and one.parent.calendar_id == one.calendar_id)
        for one in living
    )


def test_an_item_moves_with_what_is_below_it_and_leaves_its_parent(team: Calendar, other: Calendar, ana: User) -> None:
    top = make_item(team, ana)
    middle = make_item(team, ana, parent_id=top.pk)
    low = make_item(team, ana, parent_id=middle.pk)
    moved = move_item(team.pk, actor=ana, item_id=middle.pk, target_id=other.pk)
    assert set(WorkItem.objects.filter(calendar=other)) == {middle, low}
    assert moved.written.state == str(Calendar.objects.get(pk=other.pk).state)
    assert moved.left_state == str(Calendar.objects.get(pk=team.pk).state)
    assert families_are_whole()


def test_one_who_may_edit_but_one_of_two_calendars_moves_nothing(
    team: Calendar, other: Calendar, ana: User, ben: User
) -> None:
    item = make_item(team, ana)
    before = all_rows()
    with pytest.raises(NotFound):
        move_item(team.pk, actor=ben, item_id=item.pk, target_id=other.pk)
    assert all_rows() == before
    set_role(other, member=ben, role=Role.VIEWER)
    before = all_rows()
    with pytest.raises(Forbidden):
        move_item(team.pk, actor=ben, item_id=item.pk, target_id=other.pk)
    assert all_rows() == before


def test_a_child_restored_after_its_parent_moved_away_comes_back_without_it(
    team: Calendar, other: Calendar, ana: User
) -> None:
    parent = make_item(team, ana)
    child = make_item(team, ana, parent_id=parent.pk)
    deletion = delete_item(team.pk, actor=ana, item_id=child.pk)
    move_item(team.pk, actor=ana, item_id=parent.pk, target_id=other.pk)
    restore_items(team.pk, actor=ana, item_ids=[child.pk], expected_state=deletion.state)
    child.refresh_from_db()
    assert child.parent_id is None
    assert families_are_whole()


def test_a_later_deletion_is_not_undone_by_an_older_undo(team: Calendar, ana: User) -> None:
    """S6. Fails when the state of the deletion is not compared."""
    item = make_item(team, ana)
    first = delete_item(team.pk, actor=ana, item_id=item.pk)
    restore_items(team.pk, actor=ana, item_ids=[item.pk], expected_state=first.state)
    delete_item(team.pk, actor=ana, item_id=item.pk)
    before = all_rows()
    with pytest.raises(Stale):
        restore_items(team.pk, actor=ana, item_ids=[item.pk], expected_state=first.state)
    assert all_rows() == before


def test_an_undo_brings_back_what_went_together_and_nothing_else(team: Calendar, ana: User) -> None:
    top = make_item(team, ana)
    low, gone_before = make_item(team, ana, parent_id=top.pk), make_item(team, ana, parent_id=top.pk)
    delete_item(team.pk, actor=ana, item_id=gone_before.pk)
    deletion = delete_item(team.pk, actor=ana, item_id=top.pk)
    restore_items(team.pk, actor=ana, item_ids=[top.pk], expected_state=deletion.state)
    assert set(WorkItem.objects.filter(deleted_at=None)) == {top, low}
    newest = ChangeSet.objects.filter(calendar=team).latest("revision")
    assert {entry.item: entry.wire is not None for entry in newest.entries.all()} == {top.pk: True, low.pk: True}
    assert families_are_whole()


def test_a_mover_who_lost_the_target_gets_no_first_answer_again(
    team: Calendar, other: Calendar, ana: User, ben: User
) -> None:
    """Invariant 7.

    Seen failing when a retried move is answered from the log before the rights in both calendars are checked.
    """
    set_role(other, member=ben, role=Role.EDITOR)
    item = make_item(team, ana)
    key = item.pk  # any UUID
    move_item(team.pk, actor=ben, item_id=item.pk, target_id=other.pk, mutation_id=key)
    remove_member(other, member=ben)
    with pytest.raises(NotFound):
        move_item(team.pk, actor=ben, item_id=item.pk, target_id=other.pk, mutation_id=key)


@pytest.mark.parametrize("forgets", ["left", "entered"])
def test_a_move_that_one_of_two_logs_has_forgotten_is_a_new_request(
    team: Calendar, other: Calendar, ana: User, forgets: str
) -> None:
    """Seen failing with a KeyError, which is a 500."""
    item, key = make_item(team, ana), uuid4()
    move_item(team.pk, actor=ana, item_id=item.pk, target_id=other.pk, mutation_id=key)
    for calendar in (team, other):
        make_item(calendar, ana)  # a log always keeps its newest change set
    ChangeSet.objects.get(calendar=team if forgets == "left" else other, mutation_id=key).delete()
    before = all_rows()
    with pytest.raises(NotFound):
        move_item(team.pk, actor=ana, item_id=item.pk, target_id=other.pk, mutation_id=key)
    assert all_rows() == before


def test_one_who_is_no_member_of_the_target_is_not_assigned_there(
    team: Calendar, other: Calendar, ana: User, ben: User
) -> None:
    item = make_item(team, ana, assignee_keys=[str(ana.pk), str(ben.pk)])
    moved = move_item(team.pk, actor=ana, item_id=item.pk, target_id=other.pk)
    assert f'"assignees":["{ana.pk}"]' in moved.written.wire
    later = NINE + timedelta(days=1)
    edited = update_item(
        other.pk,
        actor=ana,
        item_id=item.pk,
        changes={"start": later, "end": later},
        expected_state=moved.written.state,
    )
    assert f'"assignees":["{ana.pk}"]' in edited.wire
