"""Tests a WebSocket's heartbeat: it sends calendars' states, closes silent sockets, and finds unannounced changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from calendar_live.live import complaints, reader
from calendar_live.models import Calendar
from tests.history import head_of
from tests.live.pages import in_thread
from tests.live.sockets import Open, sign_in
from tests.live.writing import write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def beating(open_socket: Open, settings: Any) -> Open:
    """Return a function that opens sockets with a heartbeat every second."""
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"HEARTBEAT_SECONDS": 1, "SILENCE_SECONDS": 60}
    return open_socket


async def test_a_heartbeat_tells_where_the_calendars_stand(beating: Open, team: Calendar, ana: User) -> None:
    await write(team, ana)
    socket = await beating(ana)
    await socket.watch(team.pk)
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
    """Invariant 7. Seen failing when a heartbeat does not check the rights."""
    socket = await beating(ana)
    await socket.watch(team.pk)
    await in_thread(Session.objects.all().delete)
    assert await socket.closed() == 4401
    await write(team, ana)
    assert await socket.receive_nothing()


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
    await socket.watch(team.pk)

    def remove_silently() -> None:
        team.memberships.filter(user=cara).delete()

    await in_thread(remove_silently)
    assert await socket.hear_of("rights") == {"type": "rights", "calendar": str(team.pk), "rights": None}


async def test_a_database_that_is_away_at_a_heartbeat_costs_no_socket_and_one_traceback(
    beating: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing with a traceback in the log for each check of each socket."""
    sockets = [await beating(ana) for _ in range(3)]
    for socket in sockets:
        await socket.hear_of("hello")

    async def fail(*_: Any, **__: Any) -> Any:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(reader, "grant_of", fail)
    monkeypatch.setattr(complaints, "_PAUSE_SECONDS", 600.0)  # however slow the machine is
    for socket in sockets * 2:
        await socket.hear_of("head")
    assert caplog.text.count("could not be read") == 1
    assert caplog.text.count("Traceback") == 1
