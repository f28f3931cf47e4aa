"""Tests that concurrent writers leave a chain without gaps and lose no edit, and that a retry gets the first answer."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from calendar_live import changelog
from calendar_live.models import Calendar, ChangeSet
from calendar_live.protocol import changes
from calendar_live.services.items import create_item, update_item
from tests.history import head_of, log_of
from tests.people import NINE, make_item
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_concurrent_writers_leave_a_chain_without_gaps_in_commit_order(
    team: Calendar, ana: User, announced: list[changes.ChangeSet]
) -> None:
    """Invariant 1. Fails when the revision is read before the lock, for example with `calendar.revision + 1`."""
    seen: list[tuple[int, int]] = []

    def work() -> None:
        for _ in range(10):
            create_item(
                team.pk,
                actor=ana,
                item_id=uuid4(),
                fields={"title": "x", "start": NINE, "end": NINE},
            )
            head = changelog.heads([str(team.pk)])[str(team.pk)].revision
            # If a revision is visible, so is every revision below it: none of them may still be uncommitted.
            count = ChangeSet.objects.filter(calendar=team, revision__lte=head).count()
            seen.append((head, count))

    at_once([work] * 6)
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

    answers = at_once([partial(work, number) for number in range(4)])
    assert sorted(map(str, answers)).count("Stale") == 3
    assert head_of(team).revision == 2, "a refused write leaves the revision as it was"


def test_a_concurrent_retry_waits_and_gets_the_first_answer(team: Calendar, ana: User) -> None:
    """Invariant 8. Fails when the mutation id is read before the calendar is locked."""
    key, item = uuid4(), uuid4()

    def work() -> object:
        return create_item(
            team.pk,
            actor=ana,
            item_id=item,
            fields={"title": "once", "start": NINE, "end": NINE},
            mutation_id=key,
        )

    first, *others = at_once([work] * 4)
    assert all(other == first for other in others)
    assert head_of(team).revision == 1
