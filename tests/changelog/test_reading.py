"""Tests reading the log: all change sets after a state, in order, or a refusal. The log may have been pruned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calendar_live import changelog
from calendar_live.errors import CannotCalculateChanges
from calendar_live.models import Calendar, ChangeSet, Entry
from calendar_live.protocol import changes
from calendar_live.protocol.frames import BULK_ENTRIES
from calendar_live.protocol.state import State
from tests.changing import new_row
from tests.history import head_of
from tests.people import NINE, make_calendar

pytestmark = pytest.mark.django_db(transaction=True)

ALL = {"max_sets": 1_000, "max_bytes": 10_000_000}


def write(calendar: Calendar, actor: User, times: int) -> list[State]:
    """Make so many changes of one row each. Return the state before them, and the state after each."""
    states = [head_of(calendar)]
    for _ in range(times):
        with changelog.change(calendar.pk, actor=actor) as change:
            change.upsert(new_row(calendar))
        states.append(change.state)
    return states


def refusal_of(calendar: Calendar, state: State) -> str:
    """Return the reason why nothing can be read after a state."""
    with pytest.raises(CannotCalculateChanges) as refused:
        changelog.read_since(str(calendar.pk), state, **ALL)
    return refused.value.reason


# --- reading ---------------------------------------------------------------------------------------------------------


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
    """Invariant 6. Fails when `read_since` compares revisions without nonces."""
    head = write(team, ana, 3)[-1]
    assert refusal_of(team, elsewhere(head)) == "diverged"


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
    """Invariant 6. Fails when `prune` deletes by age alone: the head could then no longer be verified."""
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
        assert refusal_of(team, gone) == "pruned"
    assert [one.new for one in changelog.read_since(str(team.pk), states[3], **ALL).change_sets] == [states[4]]


def test_a_gap_in_the_log_is_never_stepped_over(team: Calendar, ana: User) -> None:
    """Invariant 6. Fails when `read_since` does not compare neighbours: if a clock is set back, pruning leaves gaps."""
    states = write(team, ana, 4)
    ChangeSet.objects.filter(calendar=team, revision=2).delete()
    assert refusal_of(team, states[0]) == "pruned"


def test_entries_pruned_between_two_statements_are_noticed(team: Calendar, ana: User) -> None:
    states = write(team, ana, 2)
    Entry.objects.filter(change_set__calendar=team, change_set__revision=1).delete()
    assert refusal_of(team, states[0]) == "pruned"


def test_the_next_change_chains_onto_the_head_after_everything_was_pruned(team: Calendar, ana: User) -> None:
    head = write(team, ana, 3)[-1]
    changelog.prune(before=timezone.now() + timedelta(days=1))
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(new_row(team))
    assert change.old == head
    assert change.state.revision == head.revision + 1
