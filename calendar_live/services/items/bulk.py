"""Changes, deletes and restores many work items of one calendar at once.

Each call is one transaction with one change set, and applies to all of its items or to none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ... import changelog, conf
from ...access import User
from ...errors import Fault, Invalid, Stale
from ...models import ChangeSet, WorkItem
from ...protocol.wires import bare
from ...reading.tree import below
from .fields import check_fields
from .once import by_text, change_once
from .rows import assign, bury, everything_below, find, members_once, refuse_unexpected, save_assignees
from .tree import Tree


@dataclass(frozen=True, slots=True)
class BulkDone:
    """The items that a bulk call changed, and the calendar's new state, which is also theirs."""

    item_ids: tuple[str, ...]
    calendar_id: str
    state: str


def delete_items(
    calendar_id: UUID,
    *,
    actor: User,
    item_ids: Collection[UUID],
    expected_states: Mapping[UUID, str] | None = None,
    mutation_id: UUID | None = None,
) -> BulkDone:
    """Delete work items with everything below them.

    Raises NotFound (for any of them), Forbidden, Invalid, or Stale if any of them is not at its expected state.
    """
    states = _check_ids("ids", item_ids, expected_states)

    def delete(change: changelog.Change) -> BulkDone:
        items = _alive(calendar_id, item_ids, states)
        bury(change, items + everything_below(items), actor)
        return _done(change)

    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("delete_items", sorted(item_ids), by_text(states)),
        do=delete,
        again=_first_done,
    )


def edit_items(
    calendar_id: UUID,
    *,
    actor: User,
    changes: Mapping[UUID, Mapping[str, Any]],
    expected_states: Mapping[UUID, str] | None = None,
    mutation_id: UUID | None = None,
) -> BulkDone:
    """Set fields of many work items, in each item its own fields. Raises what `delete_items` raises."""
    states = _check_ids("changes", changes, expected_states)

    def edit(change: changelog.Change) -> BulkDone:
        items, members = _alive(calendar_id, changes, states), members_once(calendar_id)
        for item in items:
            with _fields_of(item):
                assign(item, check_fields(changes[item.pk], complete=False), members)
            item.updated_by_id = actor.pk
        change.upsert(*items)
        hung = [item for item in items if "parent_id" in changes[item.pk]]
        tree = Tree(hung)  # with the new parents of all of them
        for item in hung:
            with _fields_of(item):
                tree.check(item)
        save_assignees([item for item in items if "assignee_keys" in changes[item.pk]])
        return _done(change)

    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("edit_items", by_text(changes), by_text(states)),
        do=edit,
        again=_first_done,
    )


def restore_items(
    calendar_id: UUID,
    *,
    actor: User,
    item_ids: Collection[UUID],
    expected_state: str,
    mutation_id: UUID | None = None,
) -> BulkDone:
    """Undo a deletion of these items, and of everything below them that the same change set deleted.

    `expected_state` is the state of that deletion, so that an older Undo does not undo a later deletion (rule S6). An
    item comes back without a parent if its parent is gone, or is now so deep in the tree that there is no room below
    it. Raises NotFound, Forbidden, Invalid or Stale.
    """
    _check_ids("ids", item_ids, None)

    def restore(change: changelog.Change) -> BulkDone:
        items = find(calendar_id, item_ids)
        for item in items:
            if item.deleted_at is None or item.state != expected_state:
                current = None if item.deleted_at is not None else bare(item.wire)
                raise Stale("deletion_changed", current=current)
        _revive(change, calendar_id, items, actor)
        return _done(change)

    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("restore_items", sorted(item_ids), expected_state),
        do=restore,
        again=_first_done,
    )


def _revive(change: changelog.Change, calendar_id: UUID, items: list[WorkItem], actor: User) -> None:
    went_along = WorkItem.objects.filter(calendar=calendar_id, state=items[0].state).exclude(deleted_at=None)
    rows = went_along.prefetch_related("assignments").order_by("id")
    below_them = below([one.pk for one in items], lambda level: rows.filter(parent__in=level))
    gone = {one.pk: one for one in [*items, *below_them]}
    tops = [one for one in gone.values() if one.parent_id not in gone]
    tree = Tree(tops, revived=gone.values())
    for item in tops:
        try:
            tree.check(item)
        except Invalid:
            item.parent_id = None
    for item in gone.values():
        item.deleted_at = item.deleted_by_id = None
        item.updated_by_id = actor.pk
    change.upsert(*gone.values())


def _alive(calendar_id: UUID, item_ids: Collection[UUID], states: Mapping[UUID, str]) -> list[WorkItem]:
    items = find(calendar_id, item_ids)
    for item in items:
        refuse_unexpected(item, states.get(item.pk))
    return items


def _fields_of(item: WorkItem) -> AbstractContextManager[None]:
    return Invalid.below(f"changes.{item.pk}")


def _check_ids(field: str, item_ids: Collection[UUID], states: Mapping[UUID, str] | None) -> Mapping[UUID, str]:
    """Return the expected states. Raises Invalid for no items or too many, or if a state is of another item."""
    if not item_ids:
        raise Invalid(fields={field: [Fault("nothing_named")]})
    if len(item_ids) > conf.app.MAX_BULK_ITEMS:
        raise Invalid(fields={field: [Fault("too_many_named", limit=conf.app.MAX_BULK_ITEMS)]})
    if states is not None and not states.keys() <= set(item_ids):
        raise Invalid(fields={"states": [Fault("state_of_another")]})
    return states or {}


def _done(change: changelog.Change) -> BulkDone:
    return BulkDone(tuple(change.entries), change.calendar, str(change.state))


def _first_done(made: ChangeSet) -> BulkDone:
    items = made.entries.order_by("id").values_list("item", flat=True)
    return BulkDone(tuple(map(str, items)), str(made.calendar_id), str(made.state))
