"""Finds rows of work items, sets checked values on them, saves their assignees, and deletes them softly.

The callers hold the calendar's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.utils import timezone

from ... import changelog
from ...access import User
from ...errors import Fault, Invalid, NotFound, Stale
from ...models import Assignment, ChangeSet, Membership, WorkItem
from ...protocol.wires import bare
from ...reading.tree import below
from .fields import check_fields, check_span
from .tree import Tree

# A function that returns the user ids, as text, of a calendar's active members.
Members = Callable[[], set[str]]


@dataclass(frozen=True, slots=True)
class Written:
    """An item as this call, or the first call with its mutation id, left it.

    `state` is the new state of the item and of its calendar.
    """

    item_id: str
    calendar_id: str
    state: str
    wire: str


def written(item: WorkItem) -> Written:
    """Return the answer for a row that was just saved."""
    return Written(str(item.pk), str(item.calendar_id), item.state, bare(item.wire))


def first_written(change_set: ChangeSet, item_id: UUID) -> Written:
    """Return the answer that the first call with this mutation id got, from the log."""
    wire = change_set.entries.get(item=item_id).wire or ""  # a request with the same digest wrote this item
    return Written(str(item_id), str(change_set.calendar_id), str(change_set.state), bare(wire))


def find(calendar_id: UUID, item_ids: Iterable[UUID]) -> list[WorkItem]:
    """Return the rows of a calendar with these ids, including deleted ones, in ascending order of their ids.

    Raises NotFound if one is missing.
    """
    wanted = set(item_ids)
    found = list(
        WorkItem.objects.filter(pk__in=wanted, calendar=calendar_id).prefetch_related("assignments").order_by("id")
    )
    if len(found) != len(wanted):
        raise NotFound("no_item")
    return found


def find_expected(calendar_id: UUID, item_id: UUID, expected_state: str | None) -> WorkItem:
    """Return a row that is not deleted. Raises NotFound, or Stale unless it is at `expected_state` (None: any)."""
    item = find(calendar_id, [item_id])[0]
    refuse_unexpected(item, expected_state)
    return item


def refuse_unexpected(item: WorkItem, expected_state: str | None) -> None:
    """Raise Stale unless an item is at `expected_state` (None: any). For a deleted item, None raises NotFound."""
    if item.deleted_at is not None:
        if expected_state is None:
            raise NotFound("item_deleted")
        raise Stale("deleted_meanwhile")
    if expected_state is not None and item.state != expected_state:
        raise Stale(current=bare(item.wire))


def assign(item: WorkItem, values: Mapping[str, Any], members: Members) -> None:
    """Set checked values on a row. Raises Invalid if they do not fit together, or if an assignee is not a member.

    The item's parent is checked by tree.py, which needs the rows above the item as they will be after the change.
    """
    for name, value in values.items():
        setattr(item, name, value)
    check_span(item.start, item.end, all_day=item.all_day)
    if values.get("assignee_keys"):
        _check_assignees(item, members())


def members_once(calendar_id: UUID) -> Members:
    """Return a function with the result of `members_of`, which it queries once, at its first call."""
    return cache(lambda: members_of(calendar_id))


def members_of(calendar_id: UUID) -> set[str]:
    """Return the user ids, as text, of a calendar's active members."""
    members = Membership.objects.filter(calendar=calendar_id, user__is_active=True)
    return {str(key) for key in members.values_list("user_id", flat=True)}


def _check_assignees(item: WorkItem, known: set[str]) -> None:
    strangers = [key for key in item.assignee_keys if key not in known]
    if strangers:
        raise Invalid(fields={"assignees": [Fault("strangers", ids=", ".join(strangers)[:60])]})


def save_assignees(items: Iterable[WorkItem]) -> None:
    """Save the assignees that the `assignee_keys` of items name, in at most three statements."""
    wanted = {(item.pk, key) for item in items for key in item.assignee_keys}
    found = Assignment.objects.filter(item__in=[item.pk for item in items]).values_list("pk", "item", "user")
    known = {(item, str(user)): key for key, item, user in found}
    if gone := [key for pair, key in known.items() if pair not in wanted]:
        Assignment.objects.filter(pk__in=gone).delete()
    if new := sorted(wanted - known.keys()):
        Assignment.objects.bulk_create(
            [Assignment(item_id=item, user_id=user) for item, user in new], ignore_conflicts=True
        )


def everything_below(items: Iterable[WorkItem]) -> list[WorkItem]:
    """Return all rows below some items, except deleted rows."""
    there = WorkItem.objects.filter(deleted_at=None).prefetch_related("assignments").order_by("id")
    return below([one.pk for one in items], lambda level: there.filter(parent__in=level))


def bury(change: changelog.Change, items: Iterable[WorkItem], actor: User) -> None:
    """Delete rows softly, and set their state to this change's, which an Undo must name (rule S6)."""
    rows = {one.pk: one for one in items}
    WorkItem.objects.filter(pk__in=list(rows)).update(
        deleted_at=timezone.now(), deleted_by_id=actor.pk, state=str(change.state)
    )
    change.destroy(*rows.values())


def edit_row(
    change: changelog.Change,
    calendar_id: UUID,
    actor: User,
    item_id: UUID,
    changes: Mapping[str, Any],
    expected_state: str | None,
) -> WorkItem:
    """Set some fields of an item within a change, and return its row. Raises NotFound, Invalid or Stale."""
    item = find_expected(calendar_id, item_id, expected_state)
    assign(item, check_fields(changes, complete=False), members_once(calendar_id))
    if "parent_id" in changes:
        Tree([item]).check(item)
    item.updated_by_id = actor.pk
    change.upsert(item)
    if "assignee_keys" in changes:
        save_assignees([item])
    return item
