"""Calendars over HTTP: those one may see; create, change and delete them."""

from __future__ import annotations

from uuid import UUID, uuid4

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router

from ..access import User, describe_all
from ..errors import NotFound
from ..receivers import Receiver
from ..services import calendars
from .auth import RECEIVERS, receiver
from .http import json_response
from .schemas import CalendarFields, CalendarOut

router = Router(tags=["calendars"])

_PATH = "/calendars/{uuid:calendar_id}/"


@router.get("/calendars/", response=list[CalendarOut], auth=RECEIVERS)
def list_calendars(request: HttpRequest) -> list[dict[str, object]]:
    """Return every calendar you may see."""
    return describe_all(receiver(request))


@router.post("/calendars/", response={201: CalendarOut})
def create_calendar(request: HttpRequest, body: CalendarFields) -> HttpResponse:
    """Create a calendar that you own."""
    calendar_id = uuid4()
    calendars.create_calendar(actor=request.user, calendar_id=calendar_id, **body.given())
    return _described(request.user, calendar_id, status=201)


@router.get(_PATH, response=CalendarOut, auth=RECEIVERS)
def get_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Return one calendar."""
    return _described(receiver(request), calendar_id)


@router.patch(_PATH, response=CalendarOut)
def edit_calendar(request: HttpRequest, calendar_id: UUID, body: CalendarFields) -> HttpResponse:
    """Rename or recolour a calendar, or set its time zone. For its owners."""
    calendars.edit_calendar(calendar_id, actor=request.user, changes=body.given())
    return _described(request.user, calendar_id)


@router.delete(_PATH)
def delete_calendar(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Delete a calendar with everything in it. For its owners."""
    calendars.delete_calendar(calendar_id, actor=request.user)
    return json_response(orjson.dumps({"id": str(calendar_id)}))


def _described(whom: User | Receiver, calendar_id: UUID, *, status: int = 200) -> HttpResponse:
    for described in describe_all(whom):
        if described["id"] == str(calendar_id):
            return json_response(orjson.dumps(described), status=status)
    raise NotFound("There is no such calendar that you may see.")
