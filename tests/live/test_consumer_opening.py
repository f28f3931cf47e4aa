"""Tests who may open a WebSocket, from which pages, and how many."""

from __future__ import annotations

from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from prometheus_client import REGISTRY

from calendar_live.live import consumer
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from calendar_live.services.calendars import remove_member
from tests.live.pages import in_thread
from tests.live.sockets import HOST, ORIGIN, Open, Socket, sign_in
from tests.live.writing import write
from tests.people import make_user

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_member_is_greeted_and_told_their_calendars(open_socket: Open, team: Calendar, ana: User) -> None:
    socket = await open_socket(ana)
    assert await socket.hear() == {"type": "hello", "protocol": 2, "heartbeatSeconds": 25}
    told = await socket.hear_of("calendar")
    assert told["calendar"]["id"] == str(team.pk)
    await socket.subscribe(team.pk)
    assert (await socket.hear_of("subscribed"))["access"] == "full.1"


async def test_what_is_withdrawn_while_a_socket_opens_is_gone_at_once(
    open_socket: Open, team: Calendar, cara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 7. Seen failing when the rights are not checked again once the hub knows the socket."""
    enter = Hub.enter

    async def enter_late(self: Hub, socket: Any) -> None:
        await in_thread(remove_member, team, member=cara)
        await enter(self, socket)

    monkeypatch.setattr(Hub, "enter", enter_late)
    socket = await open_socket(cara)
    assert (await socket.hear_of("rights"))["calendar"] == str(team.pk)


FOREIGN: Final[list[dict[str, Any]]] = [
    {"origin": "http://evil.example"},
    {"origin": None},
    {"origin": "null"},
    {"origin": ""},
    {"origin": f"https://{HOST}"},
    {"origin": "http://testserver"},
    {"origin": "http://testserver:8001"},
    {"origin": f"http://{HOST}.evil.example"},
    {"origin": f"http://evil.example/{HOST}"},
    {"origin": f"http://user@{HOST}"},
    {"origin": f"{ORIGIN}/"},
    {"origin": f"{ORIGIN} http://evil.example"},
    {"origin": "http://evil.example", "host": "evil.example"},  # DNS rebinding: the host is not ours
    {"origin": ORIGIN, "host": None},
    {"origin": "http://", "host": ""},
    {"origin": f"https://{HOST}", "headers": ((b"x-forwarded-proto", b"https"),)},  # the header is not trusted
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_page_of_another_origin_is_closed_with_4403(
    headers: dict[str, Any], open_socket: Open, ana: User
) -> None:
    """Design §8. Fails when scheme, port or host is not compared: any site could read its visitors' calendars."""
    socket = await open_socket(ana, **headers)
    assert await socket.closed() == 4403
    assert socket.frames == []


async def test_a_page_behind_a_trusted_tls_proxy_is_of_its_https_origin(
    open_socket: Open, ana: User, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    behind = ((b"x-forwarded-proto", b"https"),)
    socket = await open_socket(ana, origin=f"https://{HOST}", headers=behind)
    assert (await socket.hear())["type"] == "hello"
    assert await (await open_socket(ana, origin=ORIGIN, headers=behind)).closed() == 4403


async def test_a_named_origin_is_the_only_one_let_in(open_socket: Open, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"ORIGINS": ("https://calendar.example",)}
    assert (await (await open_socket(ana, origin="https://calendar.example")).hear())["type"] == "hello"
    for origin in (ORIGIN, "http://calendar.example", "https://calendar.example:444", None):
        assert await (await open_socket(ana, origin=origin)).closed() == 4403


async def test_one_who_is_signed_out_is_closed_with_4401(open_socket: Open, ana: User) -> None:
    assert await (await open_socket()).closed() == 4401
    assert await (await open_socket(session="garbage")).closed() == 4401
    gone = await in_thread(sign_in, ana)
    await in_thread(Session.objects.all().delete)
    assert await (await open_socket(session=gone)).closed() == 4401


@pytest.mark.parametrize(("query", "code"), [("?user={ana}", None), ("?user={ben}", 4401), ("?user=", 4401)])
async def test_a_page_of_somebody_else_is_closed_with_4401(
    open_socket: Open, ana: User, ben: User, query: str, code: int | None
) -> None:
    """Another user has signed in since. Seen failing when the server does not compare the users."""
    socket = await open_socket(ana, path="/ws/" + query.format(ana=ana.pk, ben=ben.pk))
    if code is None:
        await socket.hear_of("hello")
    else:
        assert await socket.closed() == code
        assert socket.frames == []


async def test_one_who_is_no_longer_active_is_closed_with_4401(open_socket: Open, ana: User) -> None:
    session = await in_thread(sign_in, ana)
    await in_thread(User.objects.filter(pk=ana.pk).update, is_active=False)
    assert await (await open_socket(session=session)).closed() == 4401


async def test_a_frame_of_one_who_was_refused_is_ignored(open_socket: Open, team: Calendar, ana: User) -> None:
    socket = await open_socket(ana, origin="http://evil.example")
    await socket.subscribe(team.pk)
    await socket.say({"type": "ping"})
    assert await socket.closed() == 4403
    await write(team, ana)
    assert await socket.receive_nothing()


async def test_another_path_is_refused(settings: Any) -> None:
    socket = Socket(None, path="/ws/other/")
    assert await socket.connect(10) == (False, 1000)


async def test_a_user_has_so_many_sockets_and_another_when_one_has_gone(
    open_socket: Open, ana: User, ben: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_SOCKETS_PER_USER": 2}
    first, second = await open_socket(ana), await open_socket(ana)
    for socket in (first, second):
        await socket.hear_of("hello")
    assert await (await open_socket(ana)).closed() == 4429
    assert (await (await open_socket(ben)).hear())["type"] == "hello"
    await first.disconnect()
    assert (await (await open_socket(ana)).hear())["type"] == "hello"


async def test_sockets_of_many_users_are_counted_apart(open_socket: Open, team: Calendar) -> None:
    users = [await in_thread(make_user, f"user{number}") for number in range(3)]
    sockets = [await open_socket(user) for user in users for _ in range(2)]
    for socket in sockets:
        await socket.hear_of("hello")
    assert REGISTRY.get_sample_value("calendar_live_sockets") == 6
    assert sorted(consumer._seats.taken.values()) == [2, 2, 2]
