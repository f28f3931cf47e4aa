"""Creates work items, and puts an item under an id, whether or not it exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from ... import changelog
from ...access import User, require_edit
from ...errors import AlreadyExists, Stale
from ...models import ChangeSet, Entry, WorkItem
from .fields import check_fields, defaults
from .once import change_once
from .rows import Written, assign, edit_row, first_written, members_once, save_assignees, written
from .tree import Tree


@dataclass(frozen=True, slots=True)
class Put:
    """An item as `put_item` left it, and whether it is new."""

    written: Written
    created: bool


def create_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    fields: Mapping[str, Any],
    mutation_id: UUID | None = None,
) -> Written:
    """Create a work item under an id that the caller chose. Raises NotFound, Forbidden, AlreadyExists or Invalid."""
    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("create", item_id, fields),
        do=lambda change: written(_create(change, calendar_id, actor, {item_id: fields})[0]),
        again=lambda made: first_written(made, item_id),
    )


def create_items(calendar_id: UUID, *, actor: User, items: Mapping[UUID, Mapping[str, Any]]) -> int:
    """Create many work items in one change set, all of them or none. Return how many were created.

    Their parents must exist before the call. Raises what `create_item` raises.
    """
    with changelog.change(calendar_id, actor=actor) as change:
        require_edit(actor, calendar_id)
        return len(_create(change, calendar_id, actor, items))


def put_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    fields: Mapping[str, Any],
    must_be_new: bool = False,
    expected_state: str | None = None,
    mutation_id: UUID | None = None,
) -> Put:
    """Create a work item with these fields, or replace the one that exists. Fields that are not given get defaults.

    Raises AlreadyExists if it exists and `must_be_new` is set, Stale unless it is at `expected_state` (None: any), and
    what `create_item` raises.
    """

    def put(change: changelog.Change) -> Put:
        exists = WorkItem.objects.filter(pk=item_id, calendar=calendar_id).exists()
        if not exists and expected_state is not None:
            raise Stale("item_missing")
        if must_be_new or not exists:
            return Put(written(_create(change, calendar_id, actor, {item_id: fields})[0]), created=True)
        check_fields(fields, complete=True)
        whole = defaults() | dict(fields)
        return Put(written(edit_row(change, calendar_id, actor, item_id, whole, expected_state)), created=False)

    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("put", item_id, fields, must_be_new, expected_state),
        do=put,
        again=lambda made: Put(first_written(made, item_id), created=_was_created(made, item_id)),
    )


def _was_created(change_set: ChangeSet, item_id: UUID) -> bool:
    """Whether this change set is the first in the log that names an item."""
    earlier = Entry.objects.filter(item=item_id, change_set__calendar=change_set.calendar_id)
    return not earlier.filter(change_set__revision__lt=change_set.revision).exists()


def _create(
    change: changelog.Change, calendar_id: UUID, actor: User, items: Mapping[UUID, Mapping[str, Any]]
) -> list[WorkItem]:
    if WorkItem.objects.filter(pk__in=list(items)).exists():
        raise AlreadyExists
    made, members = [], members_once(calendar_id)
    for item_id, fields in items.items():
        item = WorkItem(id=item_id, calendar_id=calendar_id, created_by_id=actor.pk, updated_by_id=actor.pk)
        assign(item, check_fields(fields, complete=True), members)
        Tree([item]).check(item)
        made.append(item)
    try:
        change.upsert(*made)
    except IntegrityError as error:  # a change of another calendar, under its own lock, took an id at the same moment
        raise AlreadyExists from error
    save_assignees([item for item in made if item.assignee_keys])
    return made
