"""What a work item may be part of, and what hangs below it. Reads only."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db.models import Case, IntegerField, Value, When

from ..models import WorkItem, WorkType

# More would make a list nobody searches; projects and activities come first, as what things are usually part of.
LIMIT: Final = 200

Group = tuple[str, list[tuple[UUID, str]]]

_RANK: Final = {WorkType.PROJECT: 0, WorkType.ACTIVITY: 1, WorkType.TASK: 2, WorkType.MEETING: 3}


def below(calendar_id: UUID, item_id: UUID) -> set[UUID]:
    """Return the ids of everything below an item. One statement, however deep."""
    children: dict[UUID, list[UUID]] = {}
    rows = WorkItem.objects.filter(calendar=calendar_id, deleted_at=None, parent__isnull=False)
    for child, parent in rows.values_list("id", "parent_id"):
        children.setdefault(parent, []).append(child)
    found: set[UUID] = set()
    level = [item_id]
    while level:
        level = [child for one in level for child in children.get(one, ()) if child not in found]
        found.update(level)
    return found


def parent_choices(calendar_id: UUID, *, without: set[UUID] | None = None, keep: WorkItem | None = None) -> list[Group]:
    """Return what an item of a calendar may be part of, by type; `keep`, its present parent, is always among them."""
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
