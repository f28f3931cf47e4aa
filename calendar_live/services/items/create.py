"""Create, change and delete one work item. Each call is one transaction and one change set; see also bulk.py and moving.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from django.db import IntegrityError

from ... import changelog
from ...access import User
from ...errors import AlreadyExists, Stale
from ...models import ChangeSet, Entry, WorkItem
from .fields import check_fields, defaults
from .rows import (
    Deleted,
    Written,
    assign,
    below,
    bury,
    digest_of,
    editing,
    find_expected,
    first_written,
    members_once,
    save_assignees,
    written,
)
from .tree import Tree

Children = Literal["delete", "reparent"]


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
    """Create a work item under an id of the caller's choice. Raises NotFound, Forbidden, AlreadyExists or Invalid."""
    digest = digest_of("create", item_id, fields)
    try:
        with editing(calendar_id, actor=actor, mutation_id=mutation_id, digest=digest) as change:
            item = _create(change, calendar_id, actor, {item_id: fields})[0]
    except changelog.AlreadyDone as done:
        return first_written(done.change_set, item_id)
    return written(item)


def create_items(calendar_id: UUID, *, actor: User, items: Mapping[UUID, Mapping[str, Any]]) -> int:
    """Create many work items in one change set; parents must exist before. Return how many. Raises as `create_item`; all or none."""
    with editing(calendar_id, actor=actor, mutation_id=None, digest="") as change:
        return len(_create(change, calendar_id, actor, items))


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
    except IntegrityError as error:  # another calendar, under a lock of its own, took an id at the same moment
        raise AlreadyExists from error
    save_assignees([item for item in made if item.assignee_keys])
    return made


def update_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    changes: Mapping[str, Any],
    expected_state: str | None,
    mutation_id: UUID | None = None,
) -> Written:
    """Change some fields of a work item. Raises NotFound, Forbidden, Invalid, or Stale unless it is at `expected_state` (None: any)."""
    digest = digest_of("update", item_id, changes, expected_state)
    try:
        with editing(calendar_id, actor=actor, mutation_id=mutation_id, digest=digest) as change:
            item = _update(change, calendar_id, actor, item_id, changes, expected_state)
    except changelog.AlreadyDone as done:
        return first_written(done.change_set, item_id)
    return written(item)


def _update(
    change: changelog.Change,
    calendar_id: UUID,
    actor: User,
    item_id: UUID,
    changes: Mapping[str, Any],
    expected_state: str | None,
) -> WorkItem:
    item = find_expected(calendar_id, item_id, expected_state)
    assign(item, check_fields(changes, complete=False), members_once(calendar_id))
    if "parent_id" in changes:
        Tree([item]).check(item)
    item.updated_by_id = actor.pk
    change.upsert(item)
    if "assignee_keys" in changes:
        save_assignees([item])
    return item


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
    """Make a work item be what the fields say, whether it exists or not; fields not given are as in a new one.

    Raises AlreadyExists when it exists and `must_be_new`, Stale unless it is at `expected_state` (None: any), and as
    `create_item`.
    """
    digest = digest_of("put", item_id, fields, must_be_new, expected_state)
    try:
        with editing(calendar_id, actor=actor, mutation_id=mutation_id, digest=digest) as change:
            exists = WorkItem.objects.filter(pk=item_id, calendar=calendar_id).exists()
            if not exists and expected_state is not None:
                raise Stale("There is no such work item any more.")
            if must_be_new or not exists:
                item = _create(change, calendar_id, actor, {item_id: fields})[0]
            else:
                check_fields(fields, complete=True)
                item = _update(change, calendar_id, actor, item_id, defaults() | dict(fields), expected_state)
    except changelog.AlreadyDone as done:
        made = done.change_set
        return Put(first_written(made, item_id), created=_was_created(made, item_id))
    return Put(written(item), created=must_be_new or not exists)


def _was_created(change_set: ChangeSet, item_id: UUID) -> bool:
    """Whether an item's log begins with this change set."""
    earlier = Entry.objects.filter(item=item_id, change_set__calendar=change_set.calendar_id)
    return not earlier.filter(change_set__revision__lt=change_set.revision).exists()


def delete_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    children: Children = "delete",
    expected_state: str | None = None,
    mutation_id: UUID | None = None,
) -> Deleted:
    """Delete a work item with everything below it, or hand its children to its parent (`reparent`); one change set either way.

    Raises NotFound, Forbidden, or Stale unless it is at `expected_state` (None: any).
    """
    digest = digest_of("delete", item_id, children, expected_state)
    try:
        with editing(calendar_id, actor=actor, mutation_id=mutation_id, digest=digest) as change:
            item = find_expected(calendar_id, item_id, expected_state)
            gone = [item]
            if children == "delete":
                gone += below([item])
            else:
                _reparent(change, item)
            bury(change, gone, actor)
    except changelog.AlreadyDone as done:
        made = done.change_set
        return Deleted(str(item_id), str(made.calendar_id), str(made.state))
    return Deleted(str(item_id), change.calendar, str(change.state))


def _reparent(change: changelog.Change, item: WorkItem) -> None:
    children = list(
        WorkItem.objects.filter(parent=item, deleted_at=None).prefetch_related("assignments").order_by("id")
    )
    for child in children:
        child.parent_id = item.parent_id
    change.upsert(*children)
