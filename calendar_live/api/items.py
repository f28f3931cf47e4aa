"""Serves work items over HTTP: read, create, change, delete, restore and move them, one or many."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router

from ..access import require_edit, standing
from ..errors import Malformed
from ..reading.item import read_item
from ..reading.trash import read_trash
from ..services import items
from ..services.items import Written
from .auth import RECEIVERS, receiver
from .http import expected_state, json_response, mutation_id, refuse_unknown_parameters
from .schemas import BulkDelete, BulkEdit, BulkRestore, ItemFields, MoveTo

router = Router(tags=["work items"])

_PATH = "/calendars/{uuid:calendar_id}/items/{uuid:item_id}/"


@router.get(_PATH, auth=RECEIVERS)
def get_item(request: HttpRequest, calendar_id: UUID, item_id: UUID) -> HttpResponse:
    """Return a work item as you may see it. Its ETag is its state."""
    item, wire = read_item(standing(receiver(request), calendar_id), item_id)
    headers = {"ETag": f'"{item.state}"', "Calendar-State": str(item.calendar.state)}
    return json_response(wire, headers=headers)


@router.put(_PATH)
def put_item(request: HttpRequest, calendar_id: UUID, item_id: UUID, body: ItemFields) -> HttpResponse:
    """Create a work item under an id that you choose (`If-None-Match: *`), or replace it as a whole (`If-Match`)."""
    put = items.put_item(
        calendar_id,
        actor=request.user,
        item_id=item_id,
        fields=body.given(),
        must_be_new=request.headers.get("If-None-Match", "").strip() == "*",
        expected_state=expected_state(request),
        mutation_id=mutation_id(request),
    )
    return _written(put.written, status=201 if put.created else 200)


@router.patch(_PATH)
def patch_item(request: HttpRequest, calendar_id: UUID, item_id: UUID, body: ItemFields) -> HttpResponse:
    """Change some fields of a work item. With `If-Match`, the answer is 412 if somebody changed it meanwhile."""
    written = items.update_item(
        calendar_id,
        actor=request.user,
        item_id=item_id,
        changes=body.given(),
        expected_state=expected_state(request),
        mutation_id=mutation_id(request),
    )
    return _written(written)


@router.delete(_PATH)
def delete_item(
    request: HttpRequest, calendar_id: UUID, item_id: UUID, children: Literal["delete", "reparent"] = "delete"
) -> HttpResponse:
    """Delete a work item. Return `{id, calendar, state}`.

    Everything below the item is deleted as well, or its children move to its parent (`children=reparent`).
    `HX-Trigger: {"workItemDeleted": …}` tells an htmx page. Listen on `document`, because the button may be gone by
    then.
    """
    refuse_unknown_parameters(request, ("children",))
    gone = items.delete_item(
        calendar_id,
        actor=request.user,
        item_id=item_id,
        children=children,
        expected_state=expected_state(request),
        mutation_id=mutation_id(request),
    )
    body = {"id": gone.item_id, "calendar": gone.calendar_id, "state": gone.state}
    headers = {"Calendar-State": gone.state, "HX-Trigger": orjson.dumps({"workItemDeleted": body}).decode()}
    return json_response(orjson.dumps(body), headers=headers)


@router.post(_PATH + "restore/")
def restore_item(request: HttpRequest, calendar_id: UUID, item_id: UUID) -> HttpResponse:
    """Undo the deletion of a work item and of everything that was deleted with it.

    `If-Match` names the state of that deletion, which DELETE returned.
    """
    state = expected_state(request)
    if state is None:
        raise Malformed("if_match_missing")
    done = items.restore_items(
        calendar_id,
        actor=request.user,
        item_ids=[item_id],
        expected_state=state,
        mutation_id=mutation_id(request),
    )
    return _bulk_done(done)


@router.post(_PATH + "move/")
def move_item(request: HttpRequest, calendar_id: UUID, item_id: UUID, body: MoveTo) -> HttpResponse:
    """Move a work item, with everything below it, to another calendar.

    `Calendar-State` is the new calendar's state, `Left-State` the old calendar's.
    """
    moved = items.move_item(
        calendar_id,
        actor=request.user,
        item_id=item_id,
        target_id=body.calendar,
        expected_state=expected_state(request),
        mutation_id=mutation_id(request),
    )
    response = _written(moved.written)
    response["Left-State"] = moved.left_state
    return response


@router.post("/calendars/{uuid:calendar_id}/items/delete/")
def delete_items(request: HttpRequest, calendar_id: UUID, body: BulkDelete) -> HttpResponse:
    """Delete many work items, with everything below them, as one change.

    With `states`, the answer is 412 if somebody changed one of them meanwhile.
    """
    done = items.delete_items(
        calendar_id,
        actor=request.user,
        item_ids=body.keys(),
        expected_states=body.expected_states(),
        mutation_id=mutation_id(request),
    )
    return _bulk_done(done)


@router.post("/calendars/{uuid:calendar_id}/items/edit/")
def edit_items(request: HttpRequest, calendar_id: UUID, body: BulkEdit) -> HttpResponse:
    """Set fields of many work items, each to values of its own, as one change.

    With `states`, the answer is 412 if somebody changed one of them meanwhile.
    """
    done = items.edit_items(
        calendar_id,
        actor=request.user,
        changes=body.given(),
        expected_states=body.expected_states(),
        mutation_id=mutation_id(request),
    )
    return _bulk_done(done)


@router.post("/calendars/{uuid:calendar_id}/items/restore/")
def restore_items(request: HttpRequest, calendar_id: UUID, body: BulkRestore) -> HttpResponse:
    """Undo the deletion of many work items."""
    done = items.restore_items(
        calendar_id,
        actor=request.user,
        item_ids=body.keys(),
        expected_state=body.state,
        mutation_id=mutation_id(request),
    )
    return _bulk_done(done)


@router.get("/calendars/{uuid:calendar_id}/trash/")
def list_trash(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Return the deleted work items that can be restored, newest first.

    They are event objects with `deletedAt` and `deletedBy`.
    """
    require_edit(request.user, calendar_id)
    return json_response(orjson.dumps(read_trash(calendar_id), option=orjson.OPT_UTC_Z))


def _bulk_done(done: items.BulkDone) -> HttpResponse:
    body = {"ids": done.item_ids, "calendar": done.calendar_id, "state": done.state}
    return json_response(orjson.dumps(body), headers={"Calendar-State": done.state})


def _written(written: Written, *, status: int = 200) -> HttpResponse:
    headers = {"ETag": f'"{written.state}"', "Calendar-State": written.state}
    return json_response(written.wire, status=status, headers=headers)
