"""Change, delete and restore many work items of one calendar at once: one transaction, one change set, all or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from .. import changelog, conf
from ..access import User, require_edit
from ..errors import Invalid, NotFound, Stale
from ..models import ChangeSet, WorkItem
from .fields import check_fields
from .rows import assign, below, bury, digest_of, find, first_made, save_assignees


@dataclass(frozen=True, slots=True)
class BulkDone:
    """The items a bulk call changed, and the calendar's new state (which is theirs, too)."""

    item_ids: tuple[str, ...]
    calendar_id: str
    state: str


def delete_items(
    calendar_id: UUID, *, actor: User, item_ids: Collection[UUID], mutation_id: UUID | None = None
) -> BulkDone:
    """Delete work items with everything below them. Raises NotFound (for any of them), Forbidden or Invalid."""
    _check_ids(item_ids)
    digest = digest_of("delete_items", sorted(item_ids))
    try:
        with changelog.change(calendar_id, actor=actor, mutation_id=mutation_id, request_digest=digest) as change:
            require_edit(actor, calendar_id)
            items = _alive(calendar_id, item_ids)
            bury(change, items + below(items), actor)
    except changelog.AlreadyDone as done:
        return _first_done(first_made(done, actor))
    return _done(change)


def edit_items(
    calendar_id: UUID,
    *,
    actor: User,
    item_ids: Collection[UUID],
    changes: Mapping[str, Any],
    mutation_id: UUID | None = None,
) -> BulkDone:
    """Set the same fields of many work items. Raises NotFound (for any of them), Forbidden or Invalid."""
    _check_ids(item_ids)
    digest = digest_of("edit_items", sorted(item_ids), changes)
    try:
        with changelog.change(calendar_id, actor=actor, mutation_id=mutation_id, request_digest=digest) as change:
            require_edit(actor, calendar_id)
            values = check_fields(changes, complete=False)
            items = _alive(calendar_id, item_ids)
            for item in items:
                assign(item, values)
                item.updated_by_id = actor.pk
            change.upsert(*items)
            for item in items if "assignee_keys" in values else ():
                save_assignees(item)
    except changelog.AlreadyDone as done:
        return _first_done(first_made(done, actor))
    return _done(change)


def restore_items(
    calendar_id: UUID,
    *,
    actor: User,
    item_ids: Collection[UUID],
    expected_state: str,
    mutation_id: UUID | None = None,
) -> BulkDone:
    """Undo a deletion: of these items, and of what went with them in the same change set.

    `expected_state` is the state of that deletion: a later one is not undone by an older Undo (rule S6). An item whose parent
    is gone comes back without one. Raises NotFound, Forbidden or Stale.
    """
    _check_ids(item_ids)
    digest = digest_of("restore_items", sorted(item_ids), expected_state)
    try:
        with changelog.change(calendar_id, actor=actor, mutation_id=mutation_id, request_digest=digest) as change:
            require_edit(actor, calendar_id)
            items = find(calendar_id, item_ids)
            for item in items:
                if item.deleted_at is None or item.state != expected_state:
                    raise Stale(
                        "This deletion was undone or repeated meanwhile.",
                        current=None if item.deleted_at is not None else item.wire,
                    )
            _revive(change, calendar_id, items, actor)
    except changelog.AlreadyDone as done:
        return _first_done(first_made(done, actor))
    return _done(change)


def _revive(change: changelog.Change, calendar_id: UUID, items: list[WorkItem], actor: User) -> None:
    gone = {one.pk: one for one in items}
    level = items
    while level:  # what went with them, one statement a level
        found = WorkItem.objects.filter(
            parent__in=[one.pk for one in level], calendar=calendar_id, state=items[0].state
        )
        level = list(found.exclude(deleted_at=None).exclude(pk__in=gone).prefetch_related("assignments").order_by("id"))
        gone |= {one.pk: one for one in level}
    parents = {one.parent_id for one in gone.values() if one.parent_id is not None} - gone.keys()
    alive = set(
        WorkItem.objects.filter(pk__in=parents, calendar=calendar_id, deleted_at=None).values_list("pk", flat=True)
    )
    for item in gone.values():
        item.deleted_at = item.deleted_by_id = None
        item.updated_by_id = actor.pk
        if item.parent_id in parents - alive:
            item.parent_id = None
    change.upsert(*gone.values())


def _alive(calendar_id: UUID, item_ids: Collection[UUID]) -> list[WorkItem]:
    items = find(calendar_id, item_ids)
    if any(item.deleted_at is not None for item in items):
        raise NotFound("One of these work items was deleted.")
    return items


def _check_ids(item_ids: Collection[UUID]) -> None:
    if not item_ids:
        raise Invalid(fields={"ids": ["Name at least one work item."]})
    if len(item_ids) > conf.number("MAX_BULK_ITEMS"):
        raise Invalid(fields={"ids": [f"Name at most {conf.number('MAX_BULK_ITEMS')} work items."]})


def _done(change: changelog.Change) -> BulkDone:
    return BulkDone(tuple(change.entries), change.calendar, str(change.state))


def _first_done(made: ChangeSet) -> BulkDone:
    items = made.entries.order_by("id").values_list("item", flat=True)
    return BulkDone(tuple(map(str, items)), str(made.calendar_id), str(made.state))
