"""Reads the trash of a calendar: its deleted work items that can be restored."""

from __future__ import annotations

from uuid import UUID

from .. import conf
from ..models import WorkItem
from ..protocol.wires import whole


def read_trash(calendar_id: UUID) -> list[dict[str, object]]:
    """Return the deleted work items of a calendar, newest first, at most MAX_TRASH_ITEMS.

    Each is its event object, with the `state` of its deletion, `deletedAt` (a datetime) and `deletedBy` (a user id, or
    None when that user is gone).
    """
    rows = WorkItem.objects.filter(calendar=calendar_id).exclude(deleted_at=None).order_by("-deleted_at", "id")
    return [
        {name: value for name, value in whole(row.wire).items() if value is not None}
        | {
            "state": row.state,
            "deletedAt": row.deleted_at,
            "deletedBy": None if row.deleted_by_id is None else str(row.deleted_by_id),
        }
        for row in rows[: conf.app.MAX_TRASH_ITEMS]
    ]
