"""Tests that a key or an id that is used in two calendars is refused the second time (invariant 8).

Each calendar has a lock of its own, so its lock does not prevent that.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from calendar_live.errors import AlreadyExists, KeyReused
from calendar_live.models import Calendar, WorkItem
from calendar_live.services.items import create_item, move_item
from calendar_live.services.items.fields import check_fields
from tests.people import NINE, make_calendar, make_item
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)


# In the order of locks, some of these calendars come before the target and some after it.
@pytest.mark.parametrize("number", range(4))
def test_a_move_from_another_calendar_under_a_known_key_is_another_request(
    number: int, team: Calendar, ana: User
) -> None:
    """Seen failing with a KeyError when the digest lacks the calendar that the item leaves.

    That calendar has no change set of the first request.
    """
    others = [make_calendar(ana, name=str(each)) for each in range(4)]
    item, key = make_item(team, ana), uuid4()
    moved = move_item(team.pk, actor=ana, item_id=item.pk, target_id=others[0].pk, mutation_id=key)
    before = all_rows()
    with pytest.raises(KeyReused):
        move_item(others[number or 1].pk, actor=ana, item_id=item.pk, target_id=others[0].pk, mutation_id=key)
    assert all_rows() == before
    again = move_item(team.pk, actor=ana, item_id=item.pk, target_id=others[0].pk, mutation_id=key)
    assert again == moved
    assert WorkItem.objects.get().calendar_id == others[0].pk


def test_an_id_that_another_calendar_takes_at_the_same_moment_is_refused(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing without an error for this case: an IntegrityError, which is a 500 over HTTP."""
    other, item_id = make_calendar(ana, name="Other"), uuid4()

    def check_slowly(fields: Any, *, complete: bool) -> Any:
        quicker = WorkItem(
            id=item_id, calendar=other, title="Quicker", start=NINE, end=NINE, wire=f'{{"id":"{item_id}"}}'
        )
        WorkItem.objects.bulk_create([quicker])
        return check_fields(fields, complete=complete)

    monkeypatch.setattr("calendar_live.services.items.create.check_fields", check_slowly)
    before = all_rows()
    with pytest.raises(AlreadyExists):
        create_item(team.pk, actor=ana, item_id=item_id, fields={"title": "Slower", "start": NINE, "end": NINE})
    assert all_rows() == before
