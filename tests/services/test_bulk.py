"""Tests calls that change many items: each item gets its own change, and all are changed or none.

An item is changed only from the state that the caller saw (invariants 8 and 9).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from calendar_live import changelog
from calendar_live.errors import Invalid, KeyReused, NotFound, Stale
from calendar_live.models import Calendar, WorkItem
from calendar_live.services.items import delete_item, delete_items, edit_items, update_item
from tests.people import make_item
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)

Bulk = Callable[..., Any]


def edits(calendar: Calendar, actor: User, items: list[WorkItem], **options: Any) -> Any:
    changes = {one.pk: {"title": f"New {number}"} for number, one in enumerate(items)}
    return edit_items(calendar.pk, actor=actor, changes=changes, **options)


def deletes(calendar: Calendar, actor: User, items: list[WorkItem], **options: Any) -> Any:
    return delete_items(calendar.pk, actor=actor, item_ids=[one.pk for one in items], **options)


BOTH = pytest.mark.parametrize("bulk", [edits, deletes])


def titles(items: list[WorkItem]) -> list[str]:
    found = WorkItem.objects.in_bulk([one.pk for one in items])
    return [found[one.pk].title for one in items]


def test_each_item_gets_its_own_fields_in_one_change_set(team: Calendar, ana: User) -> None:
    items = [make_item(team, ana), make_item(team, ana)]
    before = Calendar.objects.get(pk=team.pk).revision
    done = edits(team, ana, items)
    assert titles(items) == ["New 0", "New 1"]
    assert Calendar.objects.get(pk=team.pk).revision == before + 1
    assert set(WorkItem.objects.values_list("state", flat=True)) == {done.state}


def test_when_items_were_made_stays_and_when_they_were_changed_moves(team: Calendar, ana: User) -> None:
    """Seen failing when all columns are overwritten, and when the values that Django sets in the rows stay there."""
    items = [make_item(team, ana), make_item(team, ana)]
    keys = [one.pk for one in items]
    before = WorkItem.objects.in_bulk(keys)
    edits(team, ana, items)
    after = WorkItem.objects.in_bulk(keys)
    for key in keys:
        assert after[key].created_at == before[key].created_at
        assert after[key].updated_at > before[key].updated_at
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(*after.values())
    assert {one.created_at for one in after.values()} == {one.created_at for one in before.values()}


@BOTH
def test_one_stale_item_refuses_the_whole_call_with_what_is_there_now(bulk: Bulk, team: Calendar, ana: User) -> None:
    """Fails when the expected states are not checked, or only after the first item is written."""
    items = [make_item(team, ana), make_item(team, ana)]
    seen = {one.pk: one.state for one in items}
    for stale in items:
        now = update_item(team.pk, actor=ana, item_id=stale.pk, changes={"title": "Now"}, expected_state=None)
        before = all_rows()
        with pytest.raises(Stale) as refused:
            bulk(team, ana, items, expected_states=seen)
        assert refused.value.current == now.wire
        assert all_rows() == before
        seen[stale.pk] = now.state
    bulk(team, ana, items, expected_states=seen)
    assert not WorkItem.objects.filter(title="Now", deleted_at=None).exists()


@BOTH
def test_one_deleted_item_refuses_the_whole_call(bulk: Bulk, team: Calendar, ana: User) -> None:
    items = [make_item(team, ana), make_item(team, ana)]
    delete_item(team.pk, actor=ana, item_id=items[1].pk)
    before = all_rows()
    with pytest.raises(NotFound):
        bulk(team, ana, items)
    with pytest.raises(Stale) as refused:
        bulk(team, ana, items, expected_states={items[1].pk: items[1].state})
    assert refused.value.current is None
    assert all_rows() == before


@BOTH
def test_a_state_for_an_item_that_the_call_does_not_name_is_refused(bulk: Bulk, team: Calendar, ana: User) -> None:
    items = [make_item(team, ana)]
    with pytest.raises(Invalid) as refused:
        bulk(team, ana, items, expected_states={uuid4(): "1.0000000000000000"})
    assert list(refused.value.fields) == ["states"]


@pytest.mark.parametrize(("bulk", "field"), [(edits, "changes"), (deletes, "ids")])
@pytest.mark.parametrize("count", [0, 3])
def test_none_or_too_many_items_are_refused(
    bulk: Bulk, field: str, count: int, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"MAX_BULK_ITEMS": 2}
    with pytest.raises(Invalid) as refused:
        bulk(team, ana, [make_item(team, ana) for _ in range(count)])
    assert list(refused.value.fields) == [field]


@BOTH
def test_a_key_that_comes_back_with_other_states_is_refused(bulk: Bulk, team: Calendar, ana: User) -> None:
    items, key = [make_item(team, ana)], uuid4()
    states = {items[0].pk: items[0].state}
    first = bulk(team, ana, items, expected_states=states, mutation_id=key)
    assert bulk(team, ana, items, expected_states=states, mutation_id=key) == first
    with pytest.raises(KeyReused):
        bulk(team, ana, items, mutation_id=key)


def test_a_wrong_field_is_named_with_its_item_and_nothing_is_written(team: Calendar, ana: User) -> None:
    items = [make_item(team, ana), make_item(team, ana)]
    before = all_rows()
    for fields, name in (({"progress": 101}, "progress"), ({"parent_id": uuid4()}, "parent")):
        with pytest.raises(Invalid) as refused:
            edit_items(team.pk, actor=ana, changes={items[0].pk: {"title": "New"}, items[1].pk: fields})
        assert list(refused.value.fields) == [f"changes.{items[1].pk}.{name}"]
    assert all_rows() == before


def parents(items: list[WorkItem]) -> list[UUID | None]:
    found = WorkItem.objects.in_bulk([one.pk for one in items])
    return [found[one.pk].parent_id for one in items]


def test_a_family_is_turned_round_in_one_call_but_never_into_a_ring(team: Calendar, ana: User) -> None:
    """Fails when a parent is checked against the tree before the call: the swap is refused, and the ring is written."""
    top = make_item(team, ana)
    low = make_item(team, ana, parent_id=top.pk)
    for one, other in ((top, low), (low, top)):
        edit_items(team.pk, actor=ana, changes={one.pk: {"parent_id": other.pk}, other.pk: {"parent_id": None}})
        assert parents([one, other]) == [other.pk, None]
    edit_items(team.pk, actor=ana, changes={low.pk: {"parent_id": None}})
    before = all_rows()
    with pytest.raises(Invalid):
        edit_items(team.pk, actor=ana, changes={top.pk: {"parent_id": low.pk}, low.pk: {"parent_id": top.pk}})
    assert all_rows() == before
