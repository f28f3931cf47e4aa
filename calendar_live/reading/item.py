"""Reads one work item as its receiver sees it, or as the log has it."""

from __future__ import annotations

from uuid import UUID

from ..access import Standing
from ..errors import NotFound
from ..models import Entry, WorkItem
from ..protocol.rights import redact
from ..protocol.state import State


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


def read_as_of(item: WorkItem, state: State) -> str | None:
    """Return an item's whole wire as a change set left it; None if the log of its calendar does not have it (any more).

    Only for editors, who may read the whole log.
    """
    change_set = {"calendar": item.calendar_id, "revision": state.revision, "nonce": state.nonce}
    entries = Entry.objects.filter(item=item.pk, **{f"change_set__{name}": value for name, value in change_set.items()})
    return entries.values_list("wire", flat=True).first()
