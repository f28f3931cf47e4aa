"""Checks the parents of work items in the tree of their calendar.

Each level of the tree takes one statement, however many items there are. The callers hold the calendar's lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from uuid import UUID

from ... import conf
from ...errors import Fault, Invalid
from ...models import WorkItem
from ...reading.tree import below


class Tree:
    """The items above and below some work items of one calendar, as read when this object is made.

    `revived`: all items that are restored from the trash together with these, as the only items below them.
    """

    def __init__(self, items: Collection[WorkItem], *, revived: Collection[WorkItem] = ()) -> None:
        hung = [item for item in items if item.parent_id is not None]
        self._above = _above(hung)
        there = WorkItem.objects.filter(deleted_at=None).only("parent")
        known = [item.pk for item in hung if not item._state.adding]
        self._below = _by_parent(revived or below(known, lambda level: there.filter(parent__in=level)))

    def check(self, item: WorkItem) -> None:
        """Raise Invalid unless one of these items may have its parent, or has none.

        The parent must exist in the item's calendar and must not be below the item. Parents may be nested at most
        MAX_DEPTH deep.
        """
        above: UUID | None = item.parent_id
        if above is None:
            return
        depth = 0
        while above is not None:
            depth += 1
            if above not in self._above:
                raise _blamed(Fault("no_parent"))
            if above == item.pk:
                raise _blamed(Fault("below_itself"))
            if depth > conf.app.MAX_DEPTH:
                raise _too_deep()
            above = self._above[above]
        if depth + self._height(item.pk) > conf.app.MAX_DEPTH:
            raise _too_deep()

    def _height(self, item_id: UUID) -> int:
        """Return how many levels there are below an item. The item must not be below itself."""
        height, level = -1, [item_id]
        while level:
            height += 1
            level = [child for one in level for child in self._below.get(one, ())]
        return height


def _above(items: Collection[WorkItem]) -> dict[UUID, UUID | None]:
    """Return the ids of all ancestors that are not deleted, each with the id of its own parent."""
    found: dict[UUID, UUID | None] = {}
    level = {item.parent_id for item in items if item.parent_id is not None}
    calendars = {item.calendar_id for item in items}
    while level:
        rows = WorkItem.objects.filter(pk__in=level, calendar__in=calendars, deleted_at=None)
        found |= dict(rows.values_list("pk", "parent_id"))
        level = {above for one in level if (above := found.get(one)) is not None} - found.keys()
    return found


def _by_parent(items: Collection[WorkItem]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for item in items:
        if item.parent_id is not None:
            found[item.parent_id].append(item.pk)
    return found


def _too_deep() -> Invalid:
    return _blamed(Fault("too_deep", limit=conf.app.MAX_DEPTH))


def _blamed(fault: Fault) -> Invalid:
    return Invalid(fields={"parent": [fault]})
