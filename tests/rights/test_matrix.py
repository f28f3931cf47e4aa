"""The rights matrix: every receiver × every endpoint, frame and page. Answers are literal; what has no row fails, as does a row of nothing.

A cell is a status, or of a frame what it is answered with. Whatever the answer, no byte of it tells more than the receiver's rights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import pytest
from django.http import HttpResponse

from tests.api.calls import WEEK
from tests.live.pages import in_thread
from tests.recording import all_rows
from tests.rights.registry import endpoints, frame_types, socket_paths
from tests.rights.scene import LINKS, MEMBERS, RECEIVERS, Scene, leaked

pytestmark = pytest.mark.django_db(transaction=True)

Sent = dict[str, Any]
_FIELDS: Final = {"title": "New", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}
_WEEK: Final = f"?start={WEEK['start']}&end={WEEK['end']}"

# METHOD route: a cell for each of RECEIVERS.
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
    "GET api/calendars/<calendar_id>/invitations/": "          200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/invitations/<invitation_id>/send/": "200 403 403 403 404   401     403   403",
    "DELETE api/calendars/<calendar_id>/invitations/<invitation_id>/": "   200 403 403 403 404   401     403   403",
    "GET api/calendars/<calendar_id>/links/": "                200   403    403    403      404      401     403   403",
    "POST api/calendars/<calendar_id>/links/": "               201   403    403    403      404      401     403   403",
    "PATCH api/calendars/<calendar_id>/links/<link_id>/": "    200   403    403    403      404      401     403   403",
    "DELETE api/calendars/<calendar_id>/links/<link_id>/": "   200   403    403    403      404      401     403   403",
    # What tells of the API, and nothing of anybody.
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
    # Pages. 302: to the sign-in, or after what was done.
    "GET ": "                                                  200   200    200    200      200      302     302   302",
    "POST ": "                                                 405   405    405    405      405      405     405   405",
    "GET login/": "                                            302   302    302    302      302      200     200   200",
    "POST login/": "                                           302   302    302    302      302      200     200   200",
    "GET logout/": "                                           405   405    405    405      405      405     405   405",
    "POST logout/": "                                          302   302    302    302      302      302     302   302",
    "GET favicon.ico": "                                       302   302    302    302      302      302     302   302",
    "POST favicon.ico": "                                      405   405    405    405      405      405     405   405",
    "GET items/new/": "                                        200   200    403    403      403      401     401   401",
    "POST items/new/": "                                       204   204    403    403      403      401     401   401",
    "GET items/parents/": "                                    200   200    403    403      404      401     401   401",
    "POST items/parents/": "                                   405   405    405    405      405      405     405   405",
    "GET calendars/<calendar_id>/items/<item_id>/edit/": "     200   200    200    200      404      401     401   401",
    "POST calendars/<calendar_id>/items/<item_id>/edit/": "    204   204    403    403      404      401     401   401",
    # An invitation is for whoever bears it.
    "GET invitations/<token>/": "                              200   200    200    200      200      200     200   200",
    "POST invitations/<token>/": "                             302   302    302    302      302      302     302   302",
    # So is a public link.
    "GET public/<token>/": "                                   200   200    200    200      200      200     200   200",
    "POST public/<token>/": "                                  405   405    405    405      405      405     405   405",
    "GET public/<token>/embed/": "                             200   200    200    200      200      200     200   200",
    "POST public/<token>/embed/": "                            405   405    405    405      405      405     405   405",
}  # fmt: skip

# What is told on purpose to whoever bears the token: the calendar's name, and who invites.
TELLS_ITS_BEARER: Final = {"GET invitations/<token>/", "GET public/<token>/", "GET public/<token>/embed/"}


def _frame(scene: Scene, kind: str) -> dict[str, Any]:
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
    "GET api/calendars/<calendar_id>/feed/": lambda scene: {"query": _WEEK},
    "GET api/feed/": lambda scene: {"query": _WEEK},
    "GET api/calendars/<calendar_id>/changes/": lambda scene: {"query": f"?since={scene.team.state}"},
    "POST api/frames/": lambda scene: {"body": {"frames": [_frame(scene, "subscribe")]}},
    "PUT api/calendars/<calendar_id>/items/<item_id>/": lambda scene: {"body": _FIELDS},
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


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    """Seen failing with a URL added, with a method added to a call, and with a row of a URL that is no more."""
    assert endpoints() - MATRIX.keys() == set(), "these have no row"
    assert MATRIX.keys() - endpoints() == set(), "these rows are of nothing"
    assert SENT.keys() <= MATRIX.keys()


def received(answer: HttpResponse) -> str:
    """Return all that an answer tells: its headers and its body."""
    return f"{dict(answer.items())}\n{answer.content.decode()}"


@pytest.mark.parametrize("endpoint", MATRIX)
def test_each_receiver_gets_what_the_matrix_says(endpoint: str, settings: Any) -> None:
    """Invariant 7. Seen failing with `require_owner` taken out of `sharing.remove`, with the check of free/busy members taken
    out of `list_members`, and with `require_edit` taken out of `list_trash`.
    """
    settings.DEBUG = False  # as in production, where /metrics is not for everyone
    method, _, route = endpoint.partition(" ")
    scene: Scene | None = None
    for receiver, expected in zip(RECEIVERS, cells(MATRIX[endpoint]), strict=True):
        scene = scene or Scene()
        before = all_rows()
        sent = SENT[endpoint](scene) if endpoint in SENT else {}
        answer = scene.request(receiver, method, scene.path(route), **sent)
        assert str(answer.status_code) == expected, f"{receiver}: {answer.content[:300]!r}"
        if endpoint not in TELLS_ITS_BEARER:
            assert leaked(receiver, received(answer)) == [], receiver
        if expected[0] == "4" or method == "GET":
            assert all_rows() == before, f"{receiver}: what is refused, or only read, writes nothing"
        else:
            scene = None  # what was done once may not be done again


# --- items, by their visibility --------------------------------------------------------------------------------------

# What a receiver sees of an item: `all` of it, that somebody is `busy`, or nothing (a status).
#                      owner editor viewer freebusy stranger nobody link busylink
ITEMS: Final[dict[str, str]] = {
    "normal": "         all   all    all    busy     404      401     all  busy",
    "private": "        all   all    busy   busy     404      401     busy busy",
    "secret": "         all   all    404    404      404      401     404  404",
}  # fmt: skip
READ_BY: Final = ("api/calendars/<calendar_id>/items/<item_id>/", "calendars/<calendar_id>/items/<item_id>/edit/")


@pytest.mark.parametrize("route", READ_BY, ids=["api", "dialog"])
def test_each_receiver_sees_of_an_item_what_its_visibility_allows(route: str) -> None:
    """Seen failing when the item's call sends the wire as it is."""
    scene = Scene()
    for kind, row in ITEMS.items():
        item = scene.items[kind]
        for receiver, expected in zip(RECEIVERS, cells(row), strict=True):
            answer = scene.request(receiver, "GET", scene.path(route, item=item.pk))
            if receiver in LINKS and not route.startswith("api/"):
                expected = "401"  # the dialog is for people
            if expected.isdigit():
                assert str(answer.status_code) == expected, (kind, receiver)
            else:
                assert answer.status_code == 200, (kind, receiver)
                assert (item.title in answer.text) == (expected == "all"), (kind, receiver)
                assert (item.location in answer.text) == (expected == "all"), (kind, receiver)
            assert leaked(receiver, received(answer)) == [], (kind, receiver)


@pytest.mark.parametrize("route", ["api/calendars/<calendar_id>/feed/", "api/feed/"])
def test_each_receiver_finds_in_a_feed_what_each_items_visibility_allows(route: str) -> None:
    scene = Scene()
    for place, receiver in enumerate(RECEIVERS):
        if receiver not in (*MEMBERS, *LINKS):
            continue
        answer = scene.request(receiver, "GET", scene.path(route), query=_WEEK)
        found = {one["id"]: "busy" if one.get("busy") else "all" for one in orjson.loads(answer.content)}
        for kind, row in ITEMS.items():
            expected = cells(row)[place]
            assert found.get(str(scene.items[kind].pk), "404") == expected, (kind, receiver)


# --- frames ----------------------------------------------------------------------------------------------------------

# What a frame is answered with on a WebSocket (`-`: nothing), or the code that the socket is closed with.
#                      owner             editor            viewer              freebusy              stranger         nobody
FRAMES: Final[dict[str, str]] = {
    "subscribe": "   subscribed:full subscribed:full subscribed:shared subscribed:freebusy error:forbidden 4401 "
    "              subscribed:public subscribed:freebusy",
    "unsubscribe": " -               -               -                 -                   -               4401 - -",
    "ack": "         -               -               -                 -                   -               4401 - -",
    "ping": "        pong            pong            pong              pong                pong            4401 pong pong",
}  # fmt: skip
# ... and on POST /api/frames/, where only `subscribe` is understood.
FRAMES_OVER_HTTP: Final[dict[str, str]] = {
    "subscribe": "   subscribed:full subscribed:full subscribed:shared subscribed:freebusy error:forbidden 401 "
    "              subscribed:public subscribed:freebusy",
    "unsubscribe": " 400             400             400               400                 400             401 400 400",
    "ack": "         400             400             400               400                 400             401 400 400",
    "ping": "        400             400             400               400                 400             401 400 400",
}  # fmt: skip
# What comes unasked: who may see what, and the heartbeat.
_UNASKED: Final = ("hello", "calendar", "head")


def test_every_frame_has_a_row_and_every_row_a_frame() -> None:
    """Seen failing with a frame added to the protocol."""
    assert FRAMES.keys() == FRAMES_OVER_HTTP.keys() == frame_types()
    assert len(socket_paths()) == 2  # ours, and the one that refuses every other path


def said(frame: dict[str, Any]) -> str:
    match frame["type"]:
        case "subscribed":
            return f"subscribed:{frame['access'].partition('.')[0]}"
        case "error":
            return f"error:{frame['code']}"
        case kind:
            return str(kind)


@pytest.mark.parametrize("kind", FRAMES)
async def test_each_receiver_is_answered_a_frame_as_the_matrix_says(kind: str, settings: Any) -> None:
    """Invariant 7. Seen failing when `subscribe` is answered whoever asks."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0}
    scene = await in_thread(Scene)
    for receiver, expected in zip(RECEIVERS, cells(FRAMES[kind]), strict=True):
        socket = await in_thread(scene.socket, receiver)
        await socket.open()
        if expected.isdigit():
            await socket.say(_frame(scene, kind))
            assert str(await socket.closed()) == expected, receiver
        else:
            await socket.say(_frame(scene, kind))
            if kind == "subscribe":
                while said(await socket.hear()).partition(":")[0] not in ("subscribed", "error"):
                    pass
            await socket.say({"type": "ping"})
            while (await socket.hear())["type"] != "pong":
                pass
            answers = [said(one) for one in socket.frames if one["type"] not in _UNASKED]
            assert answers == ([expected, "pong"] if expected not in ("-", "pong") else ["pong"]), receiver
        assert leaked(receiver, orjson.dumps(socket.frames).decode()) == [], receiver
        await socket.disconnect()


@pytest.mark.parametrize("kind", FRAMES_OVER_HTTP)
def test_each_receiver_is_answered_a_frame_over_http_as_the_matrix_says(kind: str) -> None:
    scene = Scene()
    for receiver, expected in zip(RECEIVERS, cells(FRAMES_OVER_HTTP[kind]), strict=True):
        answer = scene.request(receiver, "POST", "/api/frames/", body={"frames": [_frame(scene, kind)]})
        if answer.status_code == 200:
            frames = orjson.loads(answer.content)["frames"]
            assert [said(one) for one in frames if one["type"] not in _UNASKED] == [expected], receiver
        else:
            assert str(answer.status_code) == expected, receiver
        assert leaked(receiver, received(answer)) == [], receiver


@pytest.mark.parametrize("receiver", [*MEMBERS, *LINKS])
async def test_a_push_tells_each_receiver_what_their_rights_allow(receiver: str, settings: Any) -> None:
    """Invariant 7, for what comes unasked."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0}
    scene = await in_thread(Scene)
    socket = await in_thread(scene.socket, receiver)
    await socket.open()
    await socket.say(_frame(scene, "subscribe"))
    await socket.hear_of("subscribed")
    for kind in ITEMS:
        await in_thread(scene._item, kind)
        await socket.hear_of("changes")
    assert leaked(receiver, orjson.dumps(socket.frames).decode()) == []
    await socket.disconnect()
