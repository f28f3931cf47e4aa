"""Serves calendars over HTTP: list, create, change, delete, restore and order them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from .. import conf
from ..access import User
from ..access.receivers import Receiver
from ..errors import NotFound
from ..reading.calendars import deleted_calendars_of, describe_all
from ..reading.grant import CalendarView
from ..schedule.ranges import format_instant
from ..services import calendars, sharing
from .auth import RECEIVERS, receiver
from .http import json_response, mutation_id
from .schemas import CalendarFields, CalendarOrder, DeletedCalendarOut

router = Router(tags=["calendars"])

_PATH = "/calendars/{uuid:calendar_id}/"


@router.get("/calendars/", response=list[CalendarView], auth=RECEIVERS)
def list_calendars(request: HttpRequest) -> list[CalendarView]:
    """Return every calendar that you may see."""
    return describe_all(receiver(request))


@router.post("/calendars/", response={201: CalendarView})
def create_calendar(request: HttpRequest, body: CalendarFields) -> HttpResponse:
    """Create a calendar that you own."""
    made = calendars.create_calendar(
        actor=request.user, calendar_id=uuid4(), mutation_id=mutation_id(request), **body.given()
    )
    return _described(request.user, made.pk, status=201)


@router.get(_PATH, response=CalendarView, auth=RECEIVERS)
def get_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Return one calendar."""
    return _described(receiver(request), calendar_id)


@router.patch(_PATH, response=CalendarView)
def edit_calendar(request: HttpRequest, calendar_id: UUID, body: CalendarFields) -> HttpResponse:
    """Rename or recolour a calendar, or set its time zone. For its owners."""
    calendars.edit_calendar(calendar_id, actor=request.user, changes=body.given(), mutation_id=mutation_id(request))
    return _described(request.user, calendar_id)


@router.delete(_PATH)
def delete_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Delete a calendar with everything in it. For its owners."""
    calendars.delete_calendar(calendar_id, actor=request.user, mutation_id=mutation_id(request))
    return json_response(orjson.dumps({"id": str(calendar_id)}))


@router.post(_PATH + "restore/", response=CalendarView)
def restore_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Restore a deleted calendar for its members, with everything in it. For its owners."""
    calendars.restore_calendar(calendar_id, actor=request.user, mutation_id=mutation_id(request))
    return _described(request.user, calendar_id)


@router.get("/calendars/trash/", response=list[DeletedCalendarOut])
def list_deleted_calendars(request: HttpRequest) -> list[dict[str, object]]:
    """Return the deleted calendars that you own and can restore, newest first."""
    kept = timedelta(days=conf.app.TRASH_DAYS)
    return [
        {
            "id": str(one.pk),
            "name": one.name,
            "color": one.color,
            "deletedAt": format_instant(deleted_at),
            "until": format_instant(deleted_at + kept),
        }
        for one in deleted_calendars_of(request.user, since=timezone.now() - kept)
        if (deleted_at := one.deleted_at) is not None
    ]


@router.put("/calendars/order/", response=list[CalendarView])
def order_calendars(request: HttpRequest, body: CalendarOrder) -> list[CalendarView]:
    """Put your calendars in your own order, and return them. Calendars that you leave out follow the named ones."""
    sharing.set_order(body.keys(), actor=request.user, mutation_id=mutation_id(request))
    return describe_all(request.user)


def _described(whom: User | Receiver, calendar_id: UUID, *, status: int = 200) -> HttpResponse:
    for described in describe_all(whom):
        if described["id"] == str(calendar_id):
            return json_response(orjson.dumps(described), status=status)
    raise NotFound("no_calendar")
