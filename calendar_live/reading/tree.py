"""Reads the tree of work items: the items below an item, and the parents that it may have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import Final
from uuid import UUID

from django.db.models import Case, IntegerField, Value, When

from ..models import WorkItem, WorkType

# A longer list would be too long to search. Projects and activities come first, because they are the usual parents.
LIMIT: Final = 200

Group = tuple[str, list[tuple[UUID, str]]]

_RANK: Final = {WorkType.PROJECT: 0, WorkType.ACTIVITY: 1, WorkType.TASK: 2, WorkType.MEETING: 3}


def below(item_ids: Collection[UUID], children_of: Callable[[list[UUID]], Iterable[WorkItem]]) -> list[WorkItem]:
    """Return the rows below some items, each once, without these items. `children_of` is called once for each level."""
    found: list[WorkItem] = []
    known = set(item_ids)
    level = list(item_ids)
    while level:
        children = [row for row in children_of(level) if row.pk not in known]
        level = [row.pk for row in children]
        known.update(level)
        found += children
    return found


def ids_below(item: WorkItem) -> set[UUID]:
    """Return the ids of everything below an item that is not deleted. One statement, however deep."""
    children: dict[UUID | None, list[WorkItem]] = defaultdict(list)
    for row in WorkItem.objects.filter(calendar=item.calendar_id, deleted_at=None, parent__isnull=False).only("parent"):
        children[row.parent_id].append(row)
    return {row.pk for row in below([item.pk], lambda level: chain.from_iterable(children[one] for one in level))}


def parent_choices(calendar_id: UUID, *, without: set[UUID] | None = None, keep: WorkItem | None = None) -> list[Group]:
    """Return the items of a calendar that may be an item's parent, by type. `keep` is always among them.

    `without`: the ids that may not be its parent. `keep`: its present parent.
    """
    without = without or set()
    rank = Case(*(When(work_type=kind, then=Value(rank)) for kind, rank in _RANK.items()), output_field=IntegerField())
    rows = WorkItem.objects.filter(calendar=calendar_id, deleted_at=None).order_by(rank, "title", "start")
    found = [
        row for row in rows.values_list("id", "title", "work_type")[: LIMIT + len(without)] if row[0] not in without
    ]
    found = found[:LIMIT]
    if keep is not None and keep.pk not in {row[0] for row in found}:
        found.append((keep.pk, keep.title, keep.work_type))
    groups: dict[str, list[tuple[UUID, str]]] = {}
    for pk, title, work_type in found:
        groups.setdefault(str(WorkType(work_type).label), []).append((pk, title))
    return list(groups.items())
