"""One WebSocket: who may open it, what it may ask, what it is told of its rights, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, Final
from uuid import uuid4

import pytest
from django.conf import settings as site
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import RequestFactory
from prometheus_client import REGISTRY

from calendar_live.live import consumer, reader
from calendar_live.live.hub import Hub, get_hub
from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import create_calendar, delete_calendar, remove_member, set_role
from calendar_live.services.work_items import delete_item
from tests.live.pages import in_thread
from tests.live.sockets import HOST, ORIGIN, Socket, sign_in
from tests.live.test_hub import Gate, head_of, write, write_unheard
from tests.people import make_calendar, make_item, make_user
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

Open = Callable[..., Awaitable[Socket]]


@pytest.fixture
async def open_socket(settings: Any) -> AsyncIterator[Open]:
    """Return a function that opens the socket of a user; all are left at the end, and must leave nothing behind."""
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.1}
    opened: list[Socket] = []

    async def open_one(user: User | None = None, **own: Any) -> Socket:
        session = own.pop("session", None) or (None if user is None else await in_thread(sign_in, user))
        socket = Socket(session, **own)
        opened.append(socket)
        await socket.open()
        return socket

    yield open_one
    for socket in opened:
        if not socket.future.done():
            with suppress(asyncio.CancelledError):
                await socket.disconnect(timeout=10)
    hub = get_hub()
    await hub.look_at_heads()  # takes away calendars whose last page was reset
    assert hub._served == {}
    assert hub._audiences == {}
    assert not consumer._open
    assert REGISTRY.get_sample_value("calendar_live_sockets") == 0
    assert REGISTRY.get_sample_value("calendar_live_subscriptions") == 0
    await hub.close()


# --- who may ---------------------------------------------------------------------------------------------------------


async def test_a_member_is_greeted_and_told_their_calendars(open_socket: Open, team: Calendar, ana: User) -> None:
    socket = await open_socket(ana)
    assert await socket.hear() == {"type": "hello", "protocol": 1, "heartbeatSeconds": 25}
    told = await socket.hear_of("calendar")
    assert told["calendar"]["id"] == str(team.pk)
    await socket.subscribe(team.pk)
    assert (await socket.hear_of("subscribed"))["access"] == "full.1"


async def test_what_is_withdrawn_while_a_socket_opens_is_gone_at_once(
    open_socket: Open, team: Calendar, cara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 7. Fails when the rights are not looked at again once the hub knows the socket: until its first heartbeat."""
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
    {"origin": "http://evil.example", "host": "evil.example"},  # rebound DNS: the host is not ours
    {"origin": ORIGIN, "host": None},
    {"origin": "http://", "host": ""},
    {"origin": f"https://{HOST}", "headers": ((b"x-forwarded-proto", b"https"),)},  # nobody said to trust that header
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


@pytest.mark.parametrize("known", [True, False], ids=["of others", "unknown"])
async def test_a_calendar_one_may_not_see_is_forbidden_as_if_it_were_not_there(
    known: bool, open_socket: Open, team: Calendar, dan: User
) -> None:
    socket = await open_socket(dan)
    await socket.subscribe(team.pk if known else uuid4(), number=7)
    assert await socket.hear_of("error") == {
        "type": "error",
        "id": 7,
        "code": "forbidden",
        "detail": "There is no such calendar that you may see.",
    }
    await socket.say({"type": "ping"})
    await socket.hear_of("pong")


# --- frames ----------------------------------------------------------------------------------------------------------

BAD: Final[list[tuple[str, str]]] = [
    ("{", "malformed"),
    ("[]", "malformed"),
    ('{"type":"publish"}', "malformed"),
    ('{"type":"ping","x":1}', "malformed"),
    ("x" * 16_385, "too_large"),
    ("字" * 6_000, "too_large"),  # 18,000 bytes
]


@pytest.mark.parametrize(("text", "code"), BAD, ids=[text[:20] for text, _ in BAD])
async def test_a_bad_frame_gets_an_error_and_the_third_closes_with_4400(
    text: str, code: str, open_socket: Open, ana: User
) -> None:
    socket = await open_socket(ana)
    for _ in range(2):
        await socket.say(text)
        refused = await socket.hear_of("error")
        assert (refused["id"], refused["code"]) == (None, code)
        await socket.say({"type": "ping"})
        await socket.hear_of("pong")
    await socket.say(text)
    assert await socket.closed() == 4400
    assert socket.frames[-1]["type"] == "error"


async def test_a_binary_frame_is_malformed(open_socket: Open, ana: User) -> None:
    socket = await open_socket(ana)
    await socket.send_to(bytes_data=b'{"type":"ping"}')
    assert (await socket.hear_of("error"))["detail"] == "Only text frames are understood."


async def test_after_a_close_nothing_is_answered(open_socket: Open, ana: User) -> None:
    socket = await open_socket(ana)
    for _ in range(5):
        await socket.say("{")
    await socket.say({"type": "ping"})
    assert await socket.closed() == 4400
    assert await socket.receive_nothing()
    assert [frame["type"] for frame in socket.frames].count("error") == 3


async def test_a_change_reaches_the_socket(open_socket: Open, team: Calendar, ana: User, ben: User) -> None:
    [item] = await write(team, ana)
    socket = await open_socket(ben)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    await in_thread(delete_item, team.pk, actor=ana, item_id=item.pk)
    frame = await socket.hear_of("changes")
    assert frame["destroyed"] == [str(item.pk)]
    assert frame["actor"] == {"id": str(ana.pk), "name": "Ana"}


async def test_a_socket_that_returns_is_told_what_it_missed(open_socket: Open, team: Calendar, ana: User) -> None:
    state = str(await in_thread(head_of, team))
    await write(team, ana, 3)
    socket = await open_socket(ana)
    await socket.subscribe(team.pk, state=state, access="full.1")
    await socket.hear_of("subscribed")
    assert [frame["newState"][0] for frame in socket.frames if frame["type"] == "changes"] == ["1", "2", "3"]


async def test_subscribes_and_unsubscribes_are_answered_in_order(open_socket: Open, team: Calendar, ana: User) -> None:
    socket = await open_socket(ana)
    for number in range(1, 6):
        await socket.subscribe(team.pk, number=number)
        await socket.say({"type": "unsubscribe", "calendar": str(team.pk)})
    await socket.subscribe(team.pk, number=6)
    answers = [(await socket.hear_of("subscribed"))["id"] for _ in range(6)]
    assert answers == [1, 2, 3, 4, 5, 6]
    await write(team, ana)
    await socket.hear_of("changes")


async def test_an_unsubscribed_socket_hears_nothing(open_socket: Open, team: Calendar, ana: User) -> None:
    socket = await open_socket(ana)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    await socket.say({"type": "unsubscribe", "calendar": str(team.pk)})
    await until(lambda: get_hub()._served == {}, what="the subscription to end")
    await write(team, ana)
    await socket.say({"type": "ping"})
    assert (await socket.hear())["type"] == "pong"


async def test_a_slow_subscribe_keeps_no_ping_waiting(
    open_socket: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await open_socket(ana)
    gate = Gate(monkeypatch, "standing", after=False)
    await socket.subscribe(team.pk)
    await gate.reached.wait()
    await socket.say({"type": "ping"})
    await socket.hear_of("pong")
    gate.opened.set()
    await socket.hear_of("subscribed")


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_a_socket_has_so_many_calendars_and_no_more(open_socket: Open, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_SUBSCRIPTIONS_PER_SOCKET": 2}
    calendars = [await in_thread(make_calendar, ana) for _ in range(3)]
    socket = await open_socket(ana)
    for number, calendar in enumerate(calendars):
        await socket.subscribe(calendar.pk, number=number)
        await socket.hear_of("subscribed" if number < 2 else "error")
    assert socket.frames[-1] | {"detail": ""} == {"type": "error", "id": 2, "code": "too_many", "detail": ""}
    await socket.subscribe(calendars[0].pk, number=9)
    assert (await socket.hear_of("subscribed"))["id"] == 9, "one it has already may be asked for again"
    for calendar in calendars[:2]:
        await write(calendar, ana)
        assert (await socket.hear_of("changes"))["calendar"] == str(calendar.pk)


async def test_so_many_subscribes_may_wait_and_no_more(
    open_socket: Open, team: Calendar, ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_SUBSCRIPTIONS_PER_SOCKET": 2}
    socket = await open_socket(ana)
    gate = Gate(monkeypatch, "standing", after=False)
    for number in range(4):
        await socket.subscribe(team.pk, number=number)
        await gate.reached.wait()
    assert (await socket.hear_of("error"))["code"] == "too_many"
    gate.opened.set()
    assert [(await socket.hear_of("subscribed"))["id"] for _ in range(3)] == [0, 1, 2]


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


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def beating(open_socket: Open, settings: Any) -> Open:
    """Return a function that opens sockets whose heart beats every second."""
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"HEARTBEAT_SECONDS": 1, "SILENCE_SECONDS": 60}
    return open_socket


async def test_a_heartbeat_tells_where_the_calendars_stand(beating: Open, team: Calendar, ana: User) -> None:
    await write(team, ana)
    socket = await beating(ana)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    head = await socket.hear_of("head")
    assert head["states"] == {str(team.pk): str(await in_thread(head_of, team))}


async def test_a_socket_that_is_silent_is_closed_with_4012(beating: Open, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"SILENCE_SECONDS": 1}
    socket = await beating(ana)
    assert await socket.closed() == 4012


async def test_a_socket_that_answers_is_not_closed_for_silence(beating: Open, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"SILENCE_SECONDS": 2}
    socket = await beating(ana)
    for _ in range(3):
        await socket.hear_of("head")
        await socket.say({"type": "ack", "states": {}})


async def test_a_session_that_was_revoked_is_closed_with_4401_at_the_next_heartbeat(
    beating: Open, team: Calendar, ana: User
) -> None:
    """Invariant 7. Fails when the session is only looked at when the socket opens."""
    socket = await beating(ana)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    await in_thread(Session.objects.all().delete)
    assert await socket.closed() == 4401
    await write(team, ana)
    assert await socket.receive_nothing()


async def test_one_who_signs_out_is_cut_off_at_once(open_socket: Open, team: Calendar, ana: User) -> None:
    """Invariant 7: within a second. Fails when the other tabs of a session learn of its end at a heartbeat, 25 s later."""

    def sign_out(session: str) -> None:
        request = RequestFactory().post("/logout/")
        request.session = import_module(site.SESSION_ENGINE).SessionStore(session)
        request.user = ana
        logout(request)

    session = await in_thread(sign_in, ana)
    tabs = [await open_socket(session=session) for _ in range(2)]
    for tab in tabs:
        await tab.subscribe(team.pk)
        await tab.hear_of("subscribed")
    await in_thread(sign_out, session)
    for tab in tabs:
        async with asyncio.timeout(5):
            assert await tab.closed() == 4401


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}], ids=["deactivated", "another password"])
async def test_one_whose_account_is_changed_is_cut_off_at_once(
    change: dict[str, Any], open_socket: Open, team: Calendar, ana: User
) -> None:
    """Invariant 7. Fails when sockets learn of it at a heartbeat, 25 s later."""
    socket = await open_socket(ana)
    await socket.hear_of("hello")

    def save() -> None:
        user = User.objects.get(pk=ana.pk)
        for name, value in change.items():
            setattr(user, name, value)
        user.save()

    await in_thread(save)
    async with asyncio.timeout(5):
        assert await socket.closed() == 4401


async def test_a_session_of_somebody_else_by_now_is_closed_with_4401(beating: Open, ana: User, ben: User) -> None:
    session = await in_thread(sign_in, ana)
    socket = await beating(session=session)
    await socket.hear_of("hello")
    other = await in_thread(sign_in, ben)

    def swap() -> None:
        Session.objects.filter(pk=session).update(session_data=Session.objects.get(pk=other).session_data)

    await in_thread(swap)
    assert await socket.closed() == 4401


async def test_rights_lost_while_the_broker_is_dead_are_noticed_at_the_next_heartbeat(
    beating: Open, team: Calendar, cara: User
) -> None:
    socket = await beating(cara)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")

    def remove_silently() -> None:
        team.memberships.filter(user=cara).delete()

    await in_thread(remove_silently)
    assert await socket.hear_of("rights") == {"type": "rights", "calendar": str(team.pk), "rights": None}


async def test_a_database_that_is_away_at_a_heartbeat_costs_no_socket(
    beating: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    socket = await beating(ana)
    await socket.hear_of("hello")

    async def fail(*_: Any) -> Any:
        raise ConnectionError("the database is away")

    for name in ("granted", "granted_at_leisure"):
        monkeypatch.setattr(reader, name, fail)
    await socket.hear_of("head")
    await socket.hear_of("head")
    assert "could not be looked at" in caplog.text


# --- rights as they change -------------------------------------------------------------------------------------------


async def test_a_member_who_is_removed_is_cut_off_at_once(
    open_socket: Open, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7: within a second, long before a heartbeat. Fails when a change of rights is not sent to the user."""
    socket = await open_socket(cara)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    await in_thread(remove_member, team, member=cara)
    assert await socket.hear_of("rights") == {"type": "rights", "calendar": str(team.pk), "rights": None}
    await write(team, ana)
    await socket.say({"type": "ping"})
    assert (await socket.hear())["type"] == "pong", "nothing of that calendar came after"


async def test_a_member_whose_role_changes_is_told_and_reset(open_socket: Open, team: Calendar, cara: User) -> None:
    socket = await open_socket(cara)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    assert (await socket.hear_of("calendar"))["calendar"]["access"] == "full.2"
    reset = await socket.hear_of("reset")
    assert (reset["calendar"], reset["reason"]) == (str(team.pk), "rights")


async def test_a_viewer_made_free_busy_reads_no_title_after(
    open_socket: Open, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7. Fails when a live subscription keeps the rights it was made with."""
    socket = await open_socket(cara)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    await in_thread(set_role, team, member=cara, role=Role.FREEBUSY)
    await socket.hear_of("reset")
    await in_thread(make_item, team, ana, title="LEAK")
    await socket.subscribe(team.pk, number=2)
    await socket.hear_of("subscribed")
    await in_thread(make_item, team, ana, title="LEAK")
    changed = await socket.hear_of("changes")
    assert changed["upserted"][0]["busy"] is True
    assert "LEAK" not in str(socket.frames)


async def test_a_new_member_is_told_of_the_calendar(open_socket: Open, team: Calendar, dan: User) -> None:
    socket = await open_socket(dan)
    await socket.hear_of("hello")
    await in_thread(set_role, team, member=dan, role=Role.VIEWER)
    assert (await socket.hear_of("calendar"))["calendar"]["id"] == str(team.pk)
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")


async def test_one_who_opens_a_calendar_in_one_tab_sees_it_in_the_other(open_socket: Open, ana: User) -> None:
    socket = await open_socket(ana)
    await socket.hear_of("hello")
    made = await in_thread(create_calendar, "New", actor=ana)
    assert (await socket.hear_of("calendar"))["calendar"]["id"] == str(made.pk)
    await in_thread(delete_calendar, made.pk, actor=ana)
    assert (await socket.hear_of("rights"))["calendar"] == str(made.pk)


# --- what stays behind -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["hello", "standing", "heads", "read_since", "live"])
async def test_a_socket_cut_at_any_moment_leaves_nothing_behind(
    moment: str, open_socket: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a cancelled consumer cleans up in `disconnect`, which does not run then. The fixture looks at the end."""
    state = str(await in_thread(head_of, team))
    await write(team, ana)
    socket = await open_socket(ana)
    await socket.hear_of("hello")
    if moment in ("standing", "heads", "read_since"):
        gate = Gate(monkeypatch, moment, after=True)
        await socket.subscribe(team.pk, state=state, access="full.1")
        await gate.reached.wait()
    elif moment == "live":
        await socket.subscribe(team.pk)
        await socket.hear_of("subscribed")
    socket.future.cancel()
    await until(socket.future.done, what="the consumer to end")
    await until(lambda: not consumer._open, what="its count to go")
    await write_unheard(team, ana)
    await get_hub().look_at_heads()
    assert get_hub()._served == {}


async def test_a_socket_cut_while_it_is_let_in_leaves_nothing_behind(
    open_socket: Open, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "granted", after=True)
    socket = await open_socket(ana)
    await gate.reached.wait()
    socket.future.cancel()
    await until(socket.future.done, what="the consumer to end")


async def test_a_subscribe_that_fails_closes_that_socket_alone_and_leaves_nothing(
    open_socket: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = await open_socket(ana)
    await other.subscribe(team.pk)
    await other.hear_of("subscribed")
    socket = await open_socket(ana)
    await socket.hear_of("hello")

    async def fail(*_: Any) -> Any:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(reader, "standing", fail)
        await socket.subscribe(team.pk)
        assert await socket.closed() == 4001
    assert "could not be answered" in caplog.text
    await write(team, ana)
    await other.hear_of("changes")


async def test_sockets_of_many_users_are_counted_apart(open_socket: Open, team: Calendar) -> None:
    users = [await in_thread(make_user, f"user{number}") for number in range(3)]
    sockets = [await open_socket(user) for user in users for _ in range(2)]
    for socket in sockets:
        await socket.hear_of("hello")
    assert REGISTRY.get_sample_value("calendar_live_sockets") == 6
    assert sorted(consumer._open.values()) == [2, 2, 2]
