"""Tests `changelog.change`: one revision per transaction and calendar, done once, and no trace of a rollback."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from calendar_live import changelog
from calendar_live.changelog import AlreadyDone
from calendar_live.errors import KeyReused, NotFound
from calendar_live.models import Calendar, ChangeSet, WorkItem
from calendar_live.protocol import changes
from tests.changing import change_in_vain, new_row, rolled_back
from tests.history import entries_of, head_of, log_of
from tests.people import make_calendar, make_item
from tests.recording import InjectedError, all_rows, failing_at

pytestmark = pytest.mark.django_db(transaction=True)

FRAME = {"BEGIN", "BEGIN IMMEDIATE", "COMMIT"}


# --- one transaction, one revision -----------------------------------------------------------------------------------


def test_a_change_raises_the_revision_by_one_and_is_announced_whole(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    row = new_row(team)
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(row)
        assert announced == [], "not before commit"
    assert head_of(team) == change.state
    assert change.state.revision == change.old.revision + 1
    [said] = announced
    assert (said.old, said.new) == (change.old, change.state)
    assert said.entries == (changes.Entry(str(row.pk), row.wire),)
    assert said.actor == changes.Actor(str(ana.pk), "Ana")
    assert log_of(team) == [said], "the log and the push say the same"


def test_a_row_carries_the_state_of_its_change_in_its_column_and_its_wire(team: Calendar, ana: User) -> None:
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(new_row(team), new_row(team))
    rows = WorkItem.objects.filter(calendar=team)
    assert {row.state for row in rows} == {str(change.state)}
    assert all(f'"state":"{change.state}"' in row.wire for row in rows)


@pytest.mark.parametrize("count", [2, 30])
def test_many_rows_are_one_change_set_in_as_many_statements_as_few(team: Calendar, ana: User, count: int) -> None:
    rows = [new_row(team) for _ in range(count)]
    for statements in (5, 5):  # bump, head, rows, log row, entries; the same when the rows exist already
        with CaptureQueriesContext(connection) as asked, changelog.change(team.pk, actor=ana) as change:
            change.upsert(*rows)
        assert len([sql for sql in asked if sql["sql"] not in FRAME]) == statements
    assert [len(entries) for entries in entries_of(team)] == [count, count]


def test_a_known_rows_automatic_columns_move_when_many_are_saved(team: Calendar, ana: User) -> None:
    rows = [new_row(team) for _ in range(3)]
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(*rows)
    before = list(WorkItem.objects.order_by("id").values_list("updated_at", flat=True))
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(*WorkItem.objects.order_by("id"))
    after = list(WorkItem.objects.order_by("id").values_list("updated_at", flat=True))
    assert all(later > earlier for earlier, later in zip(before, after, strict=True))


def test_a_change_of_no_calendar_is_not_found(ana: User) -> None:
    with pytest.raises(NotFound), changelog.change(uuid4(), actor=ana):
        pytest.fail("there is nothing to change")


def test_the_database_itself_refuses_a_second_set_of_one_revision(team: Calendar) -> None:
    with pytest.raises(IntegrityError):
        ChangeSet.objects.create(calendar=team, revision=0, nonce="0" * 16)


# --- rollback --------------------------------------------------------------------------------------------------------


def test_a_change_leaves_no_trace_when_any_statement_fails(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 9. Fails when `change` has no transaction of its own, or announces before the commit."""
    known = make_item(team, ana)
    announced.clear()
    before, revision = all_rows(), head_of(team).revision
    number = 0
    while True:
        asked: list[str] = []
        try:
            with failing_at(number, asked), changelog.change(team.pk, actor=ana) as change:
                change.upsert(new_row(team), WorkItem.objects.get(pk=known.pk))
                change.destroy(uuid4())
        except InjectedError:
            assert all_rows() == before, f"after {asked[-1]}"
            assert announced == []
        else:
            break
        number += 1
    assert number >= 8, "every statement, and the commit, had its turn"
    assert len(announced) == 1
    assert head_of(team).revision == revision + 1


def test_a_change_leaves_no_trace_when_its_body_raises(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    before = all_rows()
    change_in_vain(team, ana)
    assert all_rows() == before
    assert announced == []
    with changelog.change(team.pk, actor=ana) as after:
        after.upsert(new_row(team))
    assert after.state.revision == 1, "the next one is the first"
    assert [said.new for said in announced] == [after.state]


def test_an_outer_transaction_that_is_rolled_back_takes_its_changes_with_it(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    before = all_rows()
    with rolled_back():
        for _ in range(2):
            with changelog.change(team.pk, actor=ana) as change:
                change.upsert(new_row(team))
    assert all_rows() == before
    assert announced == []


# --- idempotency -----------------------------------------------------------------------------------------------------


def test_a_mutation_id_is_done_once(team: Calendar, ana: User) -> None:
    """Invariant 8. Fails without `_refuse_repetition`."""
    key = uuid4()
    with changelog.change(team.pk, actor=ana, mutation_id=key, request_digest="d") as change:
        change.upsert(new_row(team))
    before = all_rows()
    with pytest.raises(AlreadyDone) as done, changelog.change(team.pk, actor=ana, mutation_id=key, request_digest="d"):
        pytest.fail("it was done before")
    assert done.value.change_set.revision == change.state.revision
    with pytest.raises(KeyReused), changelog.change(team.pk, actor=ana, mutation_id=key, request_digest="other"):
        pytest.fail("it is another request")
    assert all_rows() == before


def test_a_mutation_id_of_another_user_or_calendar_is_another_mutation(team: Calendar, ana: User, ben: User) -> None:
    key = uuid4()
    for calendar, actor in ((team, ana), (team, ben), (make_calendar(ana), ana)):
        with changelog.change(calendar.pk, actor=actor, mutation_id=key, request_digest="d") as change:
            change.upsert(new_row(calendar))
    assert ChangeSet.objects.filter(mutation_id=key).count() == 3


def test_a_mutation_id_whose_change_was_rolled_back_may_come_again(team: Calendar, ana: User) -> None:
    key = uuid4()
    with rolled_back(), changelog.change(team.pk, actor=ana, mutation_id=key):
        pass
    with changelog.change(team.pk, actor=ana, mutation_id=key) as change:
        change.upsert(new_row(team))
    assert head_of(team) == change.state


# --- viewers of a row that becomes secret ----------------------------------------------------------------------------


def hidden_from_viewers(calendar: Calendar) -> tuple[str, ...]:
    """Return the ids that the newest change set reports to viewers as destroyed."""
    return changes.seen_by(log_of(calendar)[-1].entries or (), "shared").destroyed


def save(calendar: Calendar, row: WorkItem, visibility: str) -> None:
    row.visibility = visibility
    with changelog.change(calendar.pk, actor=None) as change:
        change.upsert(row)


def test_viewers_are_told_when_a_row_that_a_host_keeps_in_memory_becomes_secret(team: Calendar) -> None:
    """Seen failing when only a read sets the row's stored visibility: this row was new, or was secret when read."""
    row = new_row(team)
    save(team, row, "normal")
    save(team, row, "secret")
    assert hidden_from_viewers(team) == (str(row.pk),)
    read = WorkItem.objects.get(pk=row.pk)
    save(team, read, "normal")
    save(team, read, "secret")
    assert hidden_from_viewers(team) == (str(row.pk),)


def test_viewers_are_told_when_a_row_becomes_secret_at_the_second_try(team: Calendar) -> None:
    """Seen failing when the visibility of any save counts as stored: the first transaction was rolled back."""
    row = WorkItem.objects.get(pk=make_item(team, team.memberships.get(role="owner").user).pk)
    with rolled_back():
        save(team, row, "secret")
    save(team, row, "secret")
    assert hidden_from_viewers(team) == (str(row.pk),)


def test_viewers_are_told_when_a_row_becomes_secret_that_was_read_without_its_visibility(team: Calendar) -> None:
    """Seen failing when a visibility that was not read counts as never seen by viewers."""
    made = make_item(team, team.memberships.get(role="owner").user)
    save(team, WorkItem.objects.defer("visibility").get(pk=made.pk), "secret")
    assert hidden_from_viewers(team) == (str(made.pk),)


def test_viewers_are_not_told_of_a_row_that_was_secret_all_along(team: Calendar) -> None:
    row = new_row(team)
    save(team, row, "secret")
    save(team, WorkItem.objects.get(pk=row.pk), "secret")
    assert hidden_from_viewers(team) == ()
