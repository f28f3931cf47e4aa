"""The log: one revision per transaction and calendar, in commit order, without a trace of what was rolled back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendar_live import changelog
from calendar_live.changelog import AlreadyDone
from calendar_live.errors import CannotCalculateChanges, KeyReused, NotFound
from calendar_live.models import Calendar, ChangeSet, Entry, WorkItem
from calendar_live.protocol import changes
from calendar_live.protocol.frames import BULK_ENTRIES
from calendar_live.protocol.state import State
from calendar_live.services.work_items import create_item, update_item
from tests.people import NINE, make_calendar, make_item
from tests.recording import InjectedError, all_rows, failing_at

pytestmark = pytest.mark.django_db(transaction=True)

FRAME = {"BEGIN", "BEGIN IMMEDIATE", "COMMIT"}
ALL = {"max_sets": 1_000, "max_bytes": 10_000_000}


def new_row(calendar: Calendar, title: str = "Design review") -> WorkItem:
    return WorkItem(id=uuid4(), calendar=calendar, title=title, start=NINE, end=NINE + timedelta(hours=1))


def head_of(calendar: Calendar) -> State:
    return Calendar.objects.get(pk=calendar.pk).state


def log_of(calendar: Calendar) -> list[changes.ChangeSet]:
    first = ChangeSet.objects.filter(calendar=calendar).order_by("revision").first()
    assert first is not None
    return list(changelog.read_since(str(calendar.pk), first.state, **ALL).change_sets)


def entries_of(calendar: Calendar) -> list[dict[str, bool]]:
    """Return, for each change set, its items and whether each was upserted."""
    return [
        {entry.item: entry.wire is not None for entry in change_set.entries or ()} for change_set in log_of(calendar)
    ]


class UndoneError(Exception):
    """What a test rolls a transaction or a savepoint back with."""


@contextmanager
def rolled_back() -> Iterator[None]:
    """Run a block in a transaction (or a savepoint of the one under way), and roll it back."""
    with suppress(UndoneError), transaction.atomic():
        yield
        raise UndoneError


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
    for statements in (5, 5):  # bump, head, rows, log row, entries; and the same when the rows are known
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


# --- rollback --------------------------------------------------------------------------------------------------------


def test_a_change_leaves_no_trace_when_any_statement_fails(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 9. Fails when `change` runs without its own transaction, or announces before the commit."""
    known = make_item(team, ana)
    announced.clear()
    before = all_rows()
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
    assert head_of(team).revision == before["calendar_live.Calendar"][0][4] + 1


def test_a_change_leaves_no_trace_when_its_body_raises(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    before = all_rows()
    with suppress(UndoneError), changelog.change(team.pk, actor=ana) as change:
        change.upsert(new_row(team))
        raise UndoneError
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


# --- a second entry joins --------------------------------------------------------------------------------------------


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
    """Invariant 8. Fails when the part that is logged first names the mutation, or a later part may bring another."""
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
    """Invariant 9. Fails when `_join` does not notice that the savepoint took the revision back."""
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
    """Invariant 9. Fails when a change is taken for open until its announcement ran: a failing hook of the host loses that."""

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
    """Invariant 9. Fails as above: hooks run in order, and the host's may come before the announcement."""
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
    """Invariant 2, for viewers. Fails when a joined part's word replaces that an item was just hidden: it stays on their screens."""
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


# --- reading ---------------------------------------------------------------------------------------------------------


def write(calendar: Calendar, actor: User, times: int) -> list[State]:
    """Return the states of so many changes of one row each, and the one before them."""
    states = [head_of(calendar)]
    for _ in range(times):
        with changelog.change(calendar.pk, actor=actor) as change:
            change.upsert(new_row(calendar))
        states.append(change.state)
    return states


def test_a_reader_gets_what_came_after_a_state_in_order(team: Calendar, ana: User) -> None:
    states = write(team, ana, 5)
    for number, state in enumerate(states):
        since = changelog.read_since(str(team.pk), state, **ALL)
        assert not since.has_more
        assert [one.new for one in since.change_sets] == states[number + 1 :]
        assert [one.old for one in since.change_sets] == states[number:-1]


def test_a_reader_gets_at_most_so_many_sets_and_is_told_of_more(team: Calendar, ana: User) -> None:
    states = write(team, ana, 5)
    for limit, more in ((1, True), (4, True), (5, False), (6, False)):
        since = changelog.read_since(str(team.pk), states[0], max_sets=limit, max_bytes=10_000_000)
        assert [one.new for one in since.change_sets] == states[1 : limit + 1]
        assert since.has_more is more


def test_a_reader_gets_at_most_so_many_bytes_but_one_set_at_least(team: Calendar, ana: User) -> None:
    states = write(team, ana, 3)
    size = ChangeSet.objects.get(calendar=team, revision=1).wire_bytes
    for limit, taken in ((1, 1), (size, 1), (2 * size + size // 2, 2), (10 * size, 3)):
        since = changelog.read_since(str(team.pk), states[0], max_sets=10, max_bytes=limit)
        assert len(since.change_sets) == taken
        assert since.has_more is (taken < 3)


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda state: State(state.revision, "0" * 16),
        lambda state: State(state.revision + 1, state.nonce),
        lambda state: State(state.revision + 1_000, state.nonce),
        lambda state: State(0, "f" * 16),
    ],
    ids=["another nonce", "ahead by one", "far ahead", "another beginning"],
)
def test_a_state_of_another_history_is_never_replayed(
    team: Calendar, ana: User, elsewhere: Callable[[State], State]
) -> None:
    """Invariant 6. Fails when read_since compares the revision without the nonce."""
    head = write(team, ana, 3)[-1]
    with pytest.raises(CannotCalculateChanges) as refused:
        changelog.read_since(str(team.pk), elsewhere(head), **ALL)
    assert refused.value.reason == "diverged"


def test_a_bulk_set_is_read_without_its_entries_and_the_others_with_theirs(team: Calendar, ana: User) -> None:
    start = head_of(team)
    with changelog.change(team.pk, actor=ana) as small:
        small.upsert(new_row(team))
    with changelog.change(team.pk, actor=ana) as bulk:
        bulk.destroy(*(UUID(int=number) for number in range(BULK_ENTRIES + 1)))
    with changelog.change(team.pk, actor=ana) as last:
        last.upsert(new_row(team))
    read = changelog.read_since(str(team.pk), start, **ALL).change_sets
    assert [one.entries is None for one in read] == [False, True, False]
    assert [one.new for one in read] == [small.state, bulk.state, last.state]


def test_a_set_of_ten_thousand_items_is_announced_by_its_states_alone_when_it_is_bulk(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    with changelog.change(team.pk, actor=ana) as change:
        change.destroy(*(UUID(int=number) for number in range(BULK_ENTRIES + 1)))
    [said] = announced
    assert (said.old, said.new, said.entries) == (change.old, change.state, None)


# --- pruning ---------------------------------------------------------------------------------------------------------


def test_pruning_keeps_the_newest_of_each_calendar_and_what_is_young(team: Calendar, ana: User) -> None:
    """Invariant 6. Fails when prune deletes by age alone: the head could no longer be verified."""
    other = make_calendar(ana)
    write(team, ana, 3)
    now = timezone.now()
    assert changelog.prune(before=now + timedelta(days=1)) == 3
    for calendar in (team, other):
        left = ChangeSet.objects.get(calendar=calendar)
        assert left.state == head_of(calendar)
        assert changelog.read_since(str(calendar.pk), left.state, **ALL).change_sets == ()
    write(team, ana, 1)
    assert changelog.prune(before=now - timedelta(days=1)) == 0
    assert head_of(team).revision == 4


def test_a_state_from_before_the_pruned_ones_is_refused_as_pruned(team: Calendar, ana: User) -> None:
    states = write(team, ana, 4)
    ChangeSet.objects.filter(calendar=team, revision__lte=2).update(made_at=NINE - timedelta(days=400))
    assert changelog.prune(before=NINE - timedelta(days=399)) == 3
    for gone in states[:3]:
        with pytest.raises(CannotCalculateChanges) as refused:
            changelog.read_since(str(team.pk), gone, **ALL)
        assert refused.value.reason == "pruned"
    assert [one.new for one in changelog.read_since(str(team.pk), states[3], **ALL).change_sets] == [states[4]]


def test_a_gap_in_the_log_is_never_stepped_over(team: Calendar, ana: User) -> None:
    """Invariant 6. Fails when read_since does not compare neighbours: a clock set back prunes out of order."""
    states = write(team, ana, 4)
    ChangeSet.objects.filter(calendar=team, revision=2).delete()
    with pytest.raises(CannotCalculateChanges) as refused:
        changelog.read_since(str(team.pk), states[0], **ALL)
    assert refused.value.reason == "pruned"


def test_entries_pruned_between_two_statements_are_noticed(team: Calendar, ana: User) -> None:
    states = write(team, ana, 2)
    Entry.objects.filter(change_set__calendar=team, change_set__revision=1).delete()
    with pytest.raises(CannotCalculateChanges) as refused:
        changelog.read_since(str(team.pk), states[0], **ALL)
    assert refused.value.reason == "pruned"


def test_the_next_change_chains_onto_the_head_after_everything_was_pruned(team: Calendar, ana: User) -> None:
    head = write(team, ana, 3)[-1]
    changelog.prune(before=timezone.now() + timedelta(days=1))
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(new_row(team))
    assert change.old == head
    assert change.state.revision == head.revision + 1


# --- constraints and concurrency -------------------------------------------------------------------------------------


def test_the_database_itself_refuses_a_second_set_of_one_revision(team: Calendar) -> None:
    with pytest.raises(IntegrityError):
        ChangeSet.objects.create(calendar=team, revision=0, nonce="0" * 16)


def in_threads(work: Callable[[int], object], count: int) -> list[object]:
    """Run `work` in so many threads at once, and close what each connected to."""
    together = threading.Barrier(count)

    def run(number: int) -> object:
        together.wait(10)
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_concurrent_writers_leave_a_chain_without_gaps_in_commit_order(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 1. Fails when the revision is read before it is locked, as `revision = calendar.revision + 1`."""
    seen: list[tuple[int, int]] = []

    def work(_: int) -> None:
        for _ in range(10):
            create_item(
                team.pk,
                actor=ana,
                item_id=uuid4(),
                fields={"title": "x", "start": NINE, "end": NINE},
            )
            head = changelog.heads([str(team.pk)])[str(team.pk)].revision
            # If a revision is visible, every one below it is: nothing below the head is still to come.
            count = ChangeSet.objects.filter(calendar=team, revision__lte=head).count()
            seen.append((head, count))

    in_threads(work, 6)
    assert all(count == head + 1 for head, count in seen)
    chain = log_of(team)
    assert [one.new.revision for one in chain] == list(range(1, 61))
    assert all(later.old == earlier.new for earlier, later in pairwise(chain))
    assert head_of(team) == chain[-1].new
    assert sorted(said.new.revision for said in announced) == list(range(1, 61))


def test_concurrent_edits_of_one_item_lose_none_but_the_stale(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    fresh = item.state

    def work(number: int) -> str:
        try:
            made = update_item(
                team.pk,
                actor=ana,
                item_id=item.pk,
                changes={"title": f"by {number}"},
                expected_state=fresh,
            )
        except Exception as error:
            return type(error).__name__
        return made.state

    answers = in_threads(work, 4)
    assert sorted(map(str, answers)).count("Stale") == 3
    assert head_of(team).revision == 2, "a refused write leaves the revision as it was"


def test_a_concurrent_retry_waits_and_gets_the_first_answer(team: Calendar, ana: User) -> None:
    """Invariant 8. Fails when the mutation id is looked up before the calendar is locked."""
    key, item = uuid4(), uuid4()

    def work(_: int) -> object:
        return create_item(
            team.pk,
            actor=ana,
            item_id=item,
            fields={"title": "once", "start": NINE, "end": NINE},
            mutation_id=key,
        )

    first, *others = in_threads(work, 4)
    assert all(other == first for other in others)
    assert head_of(team).revision == 1
