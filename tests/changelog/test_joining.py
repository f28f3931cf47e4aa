"""Tests that a second change in a transaction joins the first: one revision and announcement, also after a rollback."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from calendar_live import changelog
from calendar_live.changelog import AlreadyDone
from calendar_live.models import Calendar, ChangeSet, WorkItem
from calendar_live.protocol import changes
from calendar_live.protocol.state import State
from calendar_live.services.items import update_item
from tests.changing import UndoneError, new_row, rolled_back
from tests.history import entries_of, head_of, log_of
from tests.people import make_calendar, make_item

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_changes_in_one_transaction_are_one_revision_and_one_announcement(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 9. Fails when `change` never joins: two revisions."""
    first, second = new_row(team), new_row(team)
    with transaction.atomic():
        with changelog.change(team.pk, actor=ana) as one:
            one.upsert(first)
        with changelog.change(team.pk, actor=ana) as other:
            other.upsert(second)
            other.destroy(first.pk)
        assert announced == []
    assert one.state == other.state == head_of(team)
    assert head_of(team).revision == 1
    assert entries_of(team) == [{str(first.pk): False, str(second.pk): True}], "the later word on an item counts"
    assert [(said.new, said.entries) for said in announced] == [(one.state, None)], "hubs read it from the log"


def test_changes_inside_one_another_are_one_revision(team: Calendar, ana: User) -> None:
    outer_row, inner_row = new_row(team), new_row(team)
    with changelog.change(team.pk, actor=ana) as outer:
        outer.upsert(outer_row)
        with changelog.change(str(team.pk), actor=ana) as inner:
            inner.upsert(inner_row)
    assert inner.state == outer.state == head_of(team)
    assert entries_of(team) == [{str(inner_row.pk): True, str(outer_row.pk): True}]


def test_a_mutation_id_covers_its_whole_transaction_and_is_taken_from_no_later_change(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 8. Fails when the part that is logged first sets the mutation id, or a later part may set another."""
    key, rows = uuid4(), [new_row(team), new_row(team)]
    with changelog.change(team.pk, actor=ana, mutation_id=key, request_digest="d") as outer:
        with changelog.change(team.pk, actor=ana) as inner:
            inner.upsert(rows[0])
        outer.upsert(rows[1])
    assert ChangeSet.objects.get(calendar=team, revision=1).mutation_id == key
    assert [said.mutation_id for said in announced] == [str(key)]
    with pytest.raises(AlreadyDone), changelog.change(team.pk, actor=ana, mutation_id=key, request_digest="d"):
        pass
    with (
        changelog.change(team.pk, actor=ana),
        pytest.raises(ValueError, match="first change"),
        changelog.change(team.pk, actor=ana, mutation_id=uuid4()),
    ):
        pass


def test_the_outer_change_stays_when_the_inner_one_is_rolled_back(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    kept, lost = new_row(team), new_row(team)
    with transaction.atomic():
        with changelog.change(team.pk, actor=ana) as outer:
            outer.upsert(kept)
        with rolled_back(), changelog.change(team.pk, actor=ana) as inner:
            inner.upsert(lost)
    assert entries_of(team) == [{str(kept.pk): True}]
    assert not WorkItem.objects.filter(pk=lost.pk).exists()
    assert head_of(team) == outer.state
    [said] = announced
    assert said.new == outer.state
    assert said.entries is None or {entry.item for entry in said.entries} == {str(kept.pk)}


def test_a_change_entered_anew_after_its_savepoint_was_rolled_back_is_the_only_one(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 9. Fails when `_join` does not notice that rolling back the savepoint undid the revision."""
    lost, kept, also_kept = new_row(team), new_row(team), new_row(team)
    with transaction.atomic():
        with rolled_back(), changelog.change(team.pk, actor=ana) as first:
            first.upsert(lost)
        with changelog.change(team.pk, actor=ana) as second:
            second.upsert(kept)
        with changelog.change(team.pk, actor=ana) as third:
            third.upsert(also_kept)
    assert first.state != second.state == third.state == head_of(team)
    assert second.state.revision == 1
    assert entries_of(team) == [{str(kept.pk): True, str(also_kept.pk): True}]
    assert [said.new for said in announced] == [second.state]


def test_an_inner_change_that_logged_first_may_be_rolled_back_under_the_outer_one(team: Calendar, ana: User) -> None:
    kept, lost = new_row(team), new_row(team)
    with changelog.change(team.pk, actor=ana) as outer:
        with rolled_back(), changelog.change(team.pk, actor=ana) as inner:
            inner.upsert(lost)
        outer.upsert(kept)
    assert entries_of(team) == [{str(kept.pk): True}]
    made = ChangeSet.objects.get(calendar=team, revision=1)
    assert made.entry_count == 1, "or a replay takes the log for pruned"


def test_a_change_after_a_commit_never_joins_the_committed_one_though_another_hook_failed(
    team: Calendar, ana: User
) -> None:
    """Invariant 9. Fails when a change counts as open until it is announced: a host's failing hook prevents that."""

    def fail() -> None:
        raise UndoneError

    with suppress(UndoneError), transaction.atomic():
        transaction.on_commit(fail)
        with changelog.change(team.pk, actor=ana) as first:
            first.upsert(new_row(team))
    assert head_of(team) == first.state
    with changelog.change(team.pk, actor=ana) as second:
        second.upsert(new_row(team))
    assert second.state.revision == 2
    assert [len(entries) for entries in entries_of(team)] == [1, 1]


def test_a_change_made_by_a_hook_on_commit_is_a_revision_of_its_own(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 9. Fails as above: hooks run in order, and a host's hook may come before the announcement."""
    made: list[State] = []

    def write_again() -> None:
        with changelog.change(team.pk, actor=ana) as change:
            change.upsert(new_row(team))
            made.append(change.state)

    with transaction.atomic():
        transaction.on_commit(write_again)
        with changelog.change(team.pk, actor=ana) as first:
            first.upsert(new_row(team))
    assert [state.revision for state in (first.state, *made)] == [1, 2]
    assert sorted(said.new.revision for said in announced) == [1, 2]
    assert [len(entries) for entries in entries_of(team)] == [1, 1]


def test_what_a_first_part_hid_and_a_second_part_touched_is_still_told_to_viewers(team: Calendar, ana: User) -> None:
    """Invariant 2, for viewers. Fails when the second part's entry replaces the one that hid the item from them."""
    item = make_item(team, ana)
    with transaction.atomic():
        for values in ({"visibility": "secret"}, {"title": "Merger"}):
            update_item(team.pk, actor=ana, item_id=item.pk, changes=values, expected_state=None)
    newest = log_of(team)[-1]
    assert changes.seen_by(newest.entries or (), "shared").destroyed == (str(item.pk),)
    assert changes.seen_by(newest.entries or (), "full").destroyed == ()


def test_two_calendars_in_one_transaction_are_one_revision_each(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    other = make_calendar(ana, name="Other")
    with transaction.atomic():
        for calendar in sorted((team, other), key=lambda one: one.pk):
            with changelog.change(calendar.pk, actor=ana) as change:
                change.upsert(new_row(calendar))
    assert {said.calendar for said in announced} == {str(team.pk), str(other.pk)}
    assert head_of(team).revision == head_of(other).revision == 1
