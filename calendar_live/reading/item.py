"""Reads one work item as its receiver sees it."""

from __future__ import annotations

from uuid import UUID

from ..access import Standing
from ..errors import NotFound
from ..models import WorkItem
from ..protocol.rights import redact


def read_item(standing: Standing, item_id: UUID) -> tuple[WorkItem, str]:
    """Return a work item and its wire as a receiver of this standing sees it. Raises NotFound.

    One statement reads the item, its calendar and its parent, so the item is true for `item.calendar.state`.
    """
    rows = WorkItem.objects.select_related("calendar", "parent", "updated_by")
    item = rows.filter(pk=item_id, calendar=UUID(standing.calendar), deleted_at=None).first()
    wire = None if item is None else redact(item.wire, item.visibility, standing.rights)
    if item is None or wire is None:
        raise NotFound("no_item")
    return item, wire
