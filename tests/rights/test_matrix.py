"""Tests the rights matrix: every receiver × every endpoint, frame and page.

The answers are literal. An endpoint or frame without a row fails, and so does a row without an endpoint or frame. A
cell is a status or, for a frame, its answer. No byte of any answer shows more than the receiver's rights allow.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
import pytest

from tests.live.pages import in_thread
from tests.people import invite, make_link
from tests.recording import Rows, all_rows
from tests.rights.matrix import MATRIX, SENT, TELLS_ITS_BEARER, WINDOW, Sent, cells, frame_to_send
from tests.rights.registry import endpoints, frame_types, socket_paths
from tests.rights.scene import LINKS, MEMBERS, RECEIVERS, Scene, received, the_scene

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    """Seen failing with a new URL, with a new method of a call, and with a row for a URL that no longer exists."""
    assert endpoints() - MATRIX.keys() == set(), "these have no row"
    assert MATRIX.keys() - endpoints() == set(), "these rows are of nothing"
    assert SENT.keys() <= MATRIX.keys()


@pytest.mark.parametrize("endpoint", MATRIX)
def test_each_receiver_gets_what_the_matrix_says(endpoint: str, settings: Any) -> None:
    """Invariant 7. Seen failing without `require_owner` in `sharing.remove` and in `list_invitations`, without the
    check of free/busy members in `list_members`, and without `require_edit` in `list_trash`.

    The answer to HEAD is that to GET, with the same headers and no body. Seen failing when the API receives a HEAD as
    such (405).
    """
    settings.DEBUG = False  # as in production, where /metrics is not open to everyone
    method, _, route = endpoint.partition(" ")
    scene: Scene | None = None
    before: Rows = {}
    for receiver, expected in zip(RECEIVERS, cells(MATRIX[endpoint]), strict=True):
        if scene is None:
            scene = the_scene.anew()
            before = all_rows()
        sent = SENT[endpoint](scene) if endpoint in SENT else {}
        answer = scene.request(receiver, method, scene.path(route), **sent)
        assert str(answer.status_code) == expected, f"{receiver}: {answer.content[:300]!r}"
        typed = sent.get("form", {}).values()  # which a refused form shows again
        told = scene.leaked(receiver, received(answer), but=(*TELLS_ITS_BEARER.get(endpoint, ()), *typed))
        assert told == [], receiver
        if method == "GET":
            head = scene.request(receiver, "HEAD", scene.path(route), **sent)
            for one in (answer, head):
                del one["Expires"]  # the time of the answer
            assert (head.status_code, head.headers, head.content) == (answer.status_code, answer.headers, b""), receiver
        if expected[0] == "4" or method == "GET":
            assert all_rows() == before, f"{receiver}: what is refused, or only read, writes nothing"
        elif all_rows() != before:
            scene = None  # what was done once cannot be done again


def test_a_page_of_somebody_else_gets_and_does_nothing_by_the_session_of_who_signed_in_since() -> None:
    """This is true for every endpoint that needs a signed-in user.

    Seen failing for the API, for `/api/frames/` and for the views of the dialog when they do not compare the users.
    """
    scene = the_scene()
    before = all_rows()
    for endpoint, row in MATRIX.items():
        if cells(row)[RECEIVERS.index("nobody")] != "401":
            continue
        method, _, route = endpoint.partition(" ")
        sent = SENT[endpoint](scene) if endpoint in SENT else {}
        headers = sent.pop("headers", {}) | {"Calendar-User": str(scene.users["stranger"].pk)}
        answer = scene.request("owner", method, scene.path(route), headers=headers, **sent)
        assert answer.status_code == 401, endpoint
        assert scene.leaked("nobody", received(answer)) == [], endpoint
    assert all_rows() == before


# --- what owners alone learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("told_by", ["GET api/calendars/", "GET api/calendars/<calendar_id>/", "POST api/frames/"])
def test_owners_alone_are_told_that_invitations_and_links_change(told_by: str) -> None:
    """Invariant 7: for everybody else, not a byte changes. Seen failing with `sharing` described to every member."""
    method, _, route = told_by.partition(" ")
    scene = the_scene()
    body: Sent = {"body": {"frames": []}} if method == "POST" else {}

    def answers() -> dict[str, bytes]:
        ask = scene.request
        return {one: ask(one, method, scene.path(route), **body).content for one in (*MEMBERS, *LINKS)}

    before = answers()
    invite(scene.team, scene.users["owner"], to="another@example.org")
    make_link(scene.team, scene.users["owner"])
    assert {receiver for receiver, told in answers().items() if told != before[receiver]} == {"owner"}


# --- items by their visibility ---------------------------------------------------------------------------------------

# What a receiver sees of an item: `all` of it, a `busy` block, or nothing (a status).
#                      owner editor viewer freebusy stranger nobody link busylink
ITEMS: Final[dict[str, str]] = {
    "normal": "         all   all    all    busy     404      401     all  busy",
    "private": "        all   all    busy   busy     404      401     busy busy",
    "secret": "         all   all    404    404      404      401     404  404",
}  # fmt: skip

READ_BY: Final = ("api/calendars/<calendar_id>/items/<item_id>/", "calendars/<calendar_id>/items/<item_id>/edit/")


@pytest.mark.parametrize("route", READ_BY, ids=["api", "dialog"])
def test_each_receiver_sees_of_an_item_what_its_visibility_allows(route: str) -> None:
    """Seen failing when the API's call for an item sends the wire without redaction."""
    scene = the_scene()
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
                for text in (item.location, item.url, *item.tags):
                    assert (text in answer.text) == (expected == "all"), (kind, receiver, text)
            assert scene.leaked(receiver, received(answer)) == [], (kind, receiver)


@pytest.mark.parametrize("route", ["api/calendars/<calendar_id>/feed/", "api/feed/"])
def test_each_receiver_finds_in_a_feed_what_each_items_visibility_allows(route: str) -> None:
    scene = the_scene()
    for place, receiver in enumerate(RECEIVERS):
        if receiver not in (*MEMBERS, *LINKS):
            continue
        answer = scene.request(receiver, "GET", scene.path(route), query=WINDOW)
        found = {one["id"]: "busy" if one.get("busy") else "all" for one in orjson.loads(answer.content)}
        for kind, row in ITEMS.items():
            expected = cells(row)[place]
            assert found.get(str(scene.items[kind].pk), "404") == expected, (kind, receiver)


# --- frames ----------------------------------------------------------------------------------------------------------

# The answer to a frame on a WebSocket (`-`: none), or the code with which the socket is closed.
# The columns are owner, editor, viewer, freebusy, stranger and nobody; then link and busylink.
FRAMES: Final[dict[str, str]] = {
    "subscribe": "   subscribed:full subscribed:full subscribed:shared subscribed:freebusy error:forbidden 4401 "
    "              subscribed:public subscribed:freebusy",
    "unsubscribe": " -               -               -                 -                   -               4401 - -",
    "ack": "         -               -               -                 -                   -               4401 - -",
    "ping": "        pong            pong            pong              pong                pong            4401 "
    "pong pong",
}  # fmt: skip

# The answer on POST /api/frames/, which accepts only `subscribe`.
FRAMES_OVER_HTTP: Final[dict[str, str]] = {
    "subscribe": "   subscribed:full subscribed:full subscribed:shared subscribed:freebusy error:forbidden 401 "
    "              subscribed:public subscribed:freebusy",
    "unsubscribe": " 400             400             400               400                 400             401 400 400",
    "ack": "         400             400             400               400                 400             401 400 400",
    "ping": "        400             400             400               400                 400             401 400 400",
}  # fmt: skip

# Frames that the server sends unasked: the greeting, the calendars and the heartbeat.
_UNASKED: Final = ("hello", "calendar", "head")


def test_every_frame_has_a_row_and_every_row_a_frame() -> None:
    """Seen failing with a new frame in the protocol."""
    assert FRAMES.keys() == FRAMES_OVER_HTTP.keys() == frame_types()
    assert len(socket_paths()) == 2  # our route, and the one that refuses every other path


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
    """Invariant 7. Seen failing when everyone has a standing in every calendar."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0}
    scene = await in_thread(the_scene)
    for receiver, expected in zip(RECEIVERS, cells(FRAMES[kind]), strict=True):
        socket = await in_thread(scene.socket, receiver)
        await socket.open()
        if expected.isdigit():
            await socket.say(frame_to_send(scene, kind))
            assert str(await socket.closed()) == expected, receiver
        else:
            await socket.say(frame_to_send(scene, kind))
            if kind == "subscribe":
                while said(await socket.hear()).partition(":")[0] not in ("subscribed", "error"):
                    pass
            await socket.say({"type": "ping"})
            while (await socket.hear())["type"] != "pong":
                pass
            answers = [said(one) for one in socket.frames if one["type"] not in _UNASKED]
            assert answers == ([expected, "pong"] if expected not in ("-", "pong") else ["pong"]), receiver
        assert scene.leaked(receiver, orjson.dumps(socket.frames).decode()) == [], receiver
        await socket.disconnect()


@pytest.mark.parametrize("kind", FRAMES_OVER_HTTP)
def test_each_receiver_is_answered_a_frame_over_http_as_the_matrix_says(kind: str) -> None:
    scene = the_scene()
    for receiver, expected in zip(RECEIVERS, cells(FRAMES_OVER_HTTP[kind]), strict=True):
        answer = scene.request(receiver, "POST", "/api/frames/", body={"frames": [frame_to_send(scene, kind)]})
        if answer.status_code == 200:
            frames = orjson.loads(answer.content)["frames"]
            assert [said(one) for one in frames if one["type"] not in _UNASKED] == [expected], receiver
        else:
            assert str(answer.status_code) == expected, receiver
        assert scene.leaked(receiver, received(answer)) == [], receiver


@pytest.mark.parametrize("receiver", [*MEMBERS, *LINKS])
async def test_a_push_tells_each_receiver_what_their_rights_allow(receiver: str, settings: Any) -> None:
    """Invariant 7, for frames that the server sends unasked."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0}
    scene = await in_thread(the_scene)
    socket = await in_thread(scene.socket, receiver)
    await socket.open()
    await socket.say(frame_to_send(scene, "subscribe"))
    await socket.hear_of("subscribed")
    for kind in ITEMS:
        await in_thread(scene.item, kind)
        await socket.hear_of("changes")
    assert scene.leaked(receiver, orjson.dumps(socket.frames).decode()) == []
    await socket.disconnect()
