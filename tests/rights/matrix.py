"""Holds the rights matrix: a status for every receiver × every endpoint, what is sent, and what is shown on purpose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid4

from tests.api.calls import WEEK
from tests.rights.scene import CALENDAR, INVITER, RECEIVERS, Scene

Sent = dict[str, Any]
FIELDS: Final = {"title": "New", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}
WINDOW: Final = f"?start={WEEK['start']}&end={WEEK['end']}"

# METHOD route: one cell for each of RECEIVERS.
#                                                            owner editor viewer freebusy stranger nobody link busylink
MATRIX: Final[dict[str, str]] = {
    "GET api/calendars/": "                                    200   200    200    200      200      401     200   200",
    "POST api/calendars/": "                                   201   201    201    201      201      401     403   403",
    "GET api/calendars/<calendar_id>/": "                      200   200    200    200      404      401     200   200",
    "PATCH api/calendars/<calendar_id>/": "                    200   403    403    403      404      401     403   403",
    "DELETE api/calendars/<calendar_id>/": "                   200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/restore/": "             200   404    404    404      404      401     403   403",
    "GET api/calendars/trash/": "                              200   200    200    200      200      401     403   403",
    "PUT api/calendars/order/": "                              200   200    200    200      422      401     403   403",
    "GET api/calendars/<calendar_id>/feed/": "                 200   200    200    200      404      401     200   200",
    "GET api/feed/": "                                         200   200    200    200      200      401     200   200",
    "GET api/calendars/<calendar_id>/changes/": "              200   200    200    200      404      401     200   200",
    "POST api/frames/": "                                      200   200    200    200      200      401     200   200",
    "GET api/calendars/<calendar_id>/items/<item_id>/": "      200   200    200    200      404      401     200   200",
    "PUT api/calendars/<calendar_id>/items/<item_id>/": "      200   200    403    403      404      401     403   403",
    "PATCH api/calendars/<calendar_id>/items/<item_id>/": "    200   200    403    403      404      401     403   403",
    "DELETE api/calendars/<calendar_id>/items/<item_id>/": "   200   200    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/items/<item_id>/restore/": "200 200   403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/items/<item_id>/move/": "200   200    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/items/delete/": "        200   200    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/items/edit/": "          200   200    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/items/restore/": "       200   200    403    403      404      401     403   403",
    "GET api/calendars/<calendar_id>/trash/": "                200   200    403    403      404      401     403   403",
    "GET api/calendars/<calendar_id>/members/": "              200   200    200    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/members/": "             201   403    403    403      404      401     403   403",
    "PATCH api/calendars/<calendar_id>/members/<user_id>/": "  200   403    403    403      404      401     403   403",
    "DELETE api/calendars/<calendar_id>/members/<user_id>/": " 200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/leave/": "               422   200    200    200      404      401     403   403",
    "POST api/calendars/<calendar_id>/transfer/": "            200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/ownership/": "           404   404    200    404      404      401     403   403",
    "GET api/calendars/<calendar_id>/invitations/": "          200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/invitations/<invitation_id>/send/": "200 403 403 403 404   401     403   403",
    "DELETE api/calendars/<calendar_id>/invitations/<invitation_id>/": "   200 403 403 403 404   401     403   403",
    "GET api/calendars/<calendar_id>/links/": "                200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/links/": "               201   403    403    403      404      401     403   403",
    "PATCH api/calendars/<calendar_id>/links/<link_id>/": "    200   403    403    403      404      401     403   403",
    "DELETE api/calendars/<calendar_id>/links/<link_id>/": "   200   403    403    403      404      401     403   403",
    # Endpoints that describe the API or the site, and nobody's data.
    "GET api/": "                                              404   404    404    404      404      404     404   404",
    "POST api/": "                                             404   404    404    404      404      404     404   404",
    "GET api/openapi.json": "                                  200   200    200    200      200      200     200   200",
    "POST api/openapi.json": "                                 200   200    200    200      200      200     200   200",
    "GET api/docs": "                                          200   200    200    200      200      200     200   200",
    "POST api/docs": "                                         200   200    200    200      200      200     200   200",
    "GET api/<path>": "                                        404   404    404    404      404      404     404   404",
    "POST api/<path>": "                                       404   404    404    404      404      404     404   404",
    "GET healthz": "                                           200   200    200    200      200      200     200   200",
    "POST healthz": "                                          200   200    200    200      200      200     200   200",
    "GET readyz": "                                            200   200    200    200      200      200     200   200",
    "POST readyz": "                                           200   200    200    200      200      200     200   200",
    "GET metrics": "                                           403   403    403    403      403      403     403   403",
    "POST metrics": "                                          403   403    403    403      403      403     403   403",
    # Pages. A 302 leads to the sign-in page, or follows a completed form.
    "GET ": "                                                  200   200    200    200      200      302     302   302",
    "POST ": "                                                 405   405    405    405      405      405     405   405",
    "GET login/": "                                            302   302    302    302      302      200     200   200",
    "POST login/": "                                           302   302    302    302      302      200     200   200",
    "GET logout/": "                                           405   405    405    405      405      405     405   405",
    "POST logout/": "                                          302   302    302    302      302      302     302   302",
    "GET favicon.ico": "                                       302   302    302    302      302      302     302   302",
    "POST favicon.ico": "                                      405   405    405    405      405      405     405   405",
    "GET items/new/": "                                        200   200    403    403      403      401     401   401",
    "POST items/new/": "                                       204   204    403    403      404      401     401   401",
    "GET items/parents/": "                                    200   200    403    403      404      401     401   401",
    "POST items/parents/": "                                   405   405    405    405      405      405     405   405",
    "GET calendars/<calendar_id>/items/<item_id>/edit/": "     200   200    200    200      404      401     401   401",
    "POST calendars/<calendar_id>/items/<item_id>/edit/": "    204   204    403    403      404      401     401   401",
    # An invitation is for anyone who has its token.
    "GET invitations/<token>/": "                              200   200    200    200      200      200     200   200",
    "POST invitations/<token>/": "                             302   302    302    302      302      302     302   302",
    # So is a public link.
    "GET public/<token>/": "                                   200   200    200    200      200      200     200   200",
    "POST public/<token>/": "                                  405   405    405    405      405      405     405   405",
    "GET public/<token>/embed/": "                             200   200    200    200      200      200     200   200",
    "POST public/<token>/embed/": "                            405   405    405    405      405      405     405   405",
}  # fmt: skip

# What anyone with the token may see: the calendar's name, and the name of the person who invites.
TELLS_ITS_BEARER: Final[dict[str, tuple[str, ...]]] = {
    "GET invitations/<token>/": (CALENDAR, INVITER),
    "GET public/<token>/": (CALENDAR,),
    "GET public/<token>/embed/": (CALENDAR,),
}


def frame_to_send(scene: Scene, kind: str) -> dict[str, Any]:
    calendar, state = str(scene.team.pk), str(scene.team.state)
    frames: dict[str, dict[str, Any]] = {
        "subscribe": {"type": kind, "id": 1, "calendar": calendar, "state": None, "access": None},
        "unsubscribe": {"type": kind, "calendar": calendar},
        "ack": {"type": kind, "states": {calendar: state}},
        "ping": {"type": kind},
    }
    return frames[kind]


def _form(scene: Scene) -> dict[str, str]:
    item = scene.items["normal"]
    day = {"start_date": "2026-11-23", "start_time": "09:00", "end_date": "2026-11-23", "end_time": "10:00"}
    choices = {"work_type": "task", "status": "not_started", "priority": "medium", "visibility": "normal"}
    more = {"title": "New", "time_zone": "UTC", "progress": "0", "state": item.state, "calendar": str(scene.team.pk)}
    return {"item_id": str(item.pk), "mutation_id": str(UUID(int=scene.number)), **day, **choices, **more}


SENT: Final[dict[str, Callable[[Scene], Sent]]] = {
    "POST api/calendars/": lambda scene: {"body": {"name": "Mine"}},
    "PATCH api/calendars/<calendar_id>/": lambda scene: {"body": {"name": "Renamed"}},
    "PUT api/calendars/order/": lambda scene: {"body": {"ids": [str(scene.team.pk)]}},
    "GET api/calendars/<calendar_id>/feed/": lambda scene: {"query": WINDOW},
    "GET api/feed/": lambda scene: {"query": WINDOW},
    "GET api/calendars/<calendar_id>/changes/": lambda scene: {"query": f"?since={scene.team.state}"},
    "POST api/frames/": lambda scene: {"body": {"frames": [frame_to_send(scene, "subscribe")]}},
    "PUT api/calendars/<calendar_id>/items/<item_id>/": lambda scene: {"body": FIELDS},
    "PATCH api/calendars/<calendar_id>/items/<item_id>/": lambda scene: {"body": {"title": "Renamed"}},
    "POST api/calendars/<calendar_id>/items/<item_id>/restore/": lambda scene: {
        "headers": {"If-Match": f'"{scene.deletion.state}"'}
    },
    "POST api/calendars/<calendar_id>/items/<item_id>/move/": lambda scene: {"body": {"calendar": str(scene.other.pk)}},
    "POST api/calendars/<calendar_id>/items/delete/": lambda scene: {"body": {"ids": [str(scene.items["secret"].pk)]}},
    "POST api/calendars/<calendar_id>/items/edit/": lambda scene: {
        "body": {"changes": {str(scene.items["secret"].pk): {"title": "Renamed"}}}
    },
    "POST api/calendars/<calendar_id>/items/restore/": lambda scene: {
        "body": {"ids": [scene.deletion.item_id], "state": scene.deletion.state}
    },
    "POST api/calendars/<calendar_id>/members/": lambda scene: {
        "body": {"to": scene.users["stranger"].username, "role": "viewer"}
    },
    "PATCH api/calendars/<calendar_id>/members/<user_id>/": lambda scene: {"body": {"role": "viewer"}},
    "POST api/calendars/<calendar_id>/transfer/": lambda scene: {"body": {"to": str(scene.users["viewer"].pk)}},
    "POST api/calendars/<calendar_id>/ownership/": lambda scene: {"body": {"accept": True}},
    "POST api/calendars/<calendar_id>/links/": lambda scene: {"body": {"name": "Website", "shows": "full"}},
    "PATCH api/calendars/<calendar_id>/links/<link_id>/": lambda scene: {"body": {"shows": "freebusy"}},
    "POST login/": lambda scene: {"form": {"username": "nobody", "password": "wrong"}},
    "POST items/new/": lambda scene: {"form": _form(scene) | {"item_id": str(uuid4())}},
    "GET items/parents/": lambda scene: {"query": f"?calendar={scene.team.pk}"},
    "POST calendars/<calendar_id>/items/<item_id>/edit/": lambda scene: {"form": _form(scene)},
    "POST invitations/<token>/": lambda scene: {
        "form": {"name": "Eve", "username": f"eve{scene.number}", "password": "a long enough phrase"}
    },
}


def cells(row: str) -> list[str]:
    found = row.split()
    assert len(found) == len(RECEIVERS), "a row has a cell for each receiver"
    return found
