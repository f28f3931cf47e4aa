"""Deletes one work item, with or without the items below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from ... import changelog
from ...access import User
from ...models import WorkItem
from .once import change_once
from .rows import bury, everything_below, find_expected

Children = Literal["delete", "reparent"]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted item, and the state of its calendar after the deletion."""

    item_id: str
    calendar_id: str
    state: str


def delete_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    children: Children = "delete",
    expected_state: str | None = None,
    mutation_id: UUID | None = None,
) -> Deleted:
    """Delete a work item with everything below it, or, with `reparent`, move its children to its own parent.

    Either way it is one change set. Raises NotFound, Forbidden, or Stale unless the item is at `expected_state` (None:
    any).
    """

    def delete(change: changelog.Change) -> Deleted:
        item = find_expected(calendar_id, item_id, expected_state)
        if children == "reparent":
            _reparent(change, item)
        bury(change, [item] if children == "reparent" else [item, *everything_below([item])], actor)
        return Deleted(str(item_id), change.calendar, str(change.state))

    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("delete", item_id, children, expected_state),
        do=delete,
        again=lambda made: Deleted(str(item_id), str(made.calendar_id), str(made.state)),
    )


def _reparent(change: changelog.Change, item: WorkItem) -> None:
    children = list(
        WorkItem.objects.filter(parent=item, deleted_at=None).prefetch_related("assignments").order_by("id")
    )
    for child in children:
        child.parent_id = item.parent_id
    change.upsert(*children)
