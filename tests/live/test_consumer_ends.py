"""Tests that a WebSocket that is cut or fails at any moment leaves nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from calendar_live.live import consumer, reader
from calendar_live.live.hub import get_hub
from calendar_live.models import Calendar
from testbed.waiting import until
from tests.history import head_of
from tests.live.gates import Gate
from tests.live.pages import in_thread
from tests.live.sockets import Open
from tests.live.writing import write, write_unheard

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("moment", ["hello", "standings", "first_head", "read_since", "live"])
async def test_a_socket_cut_at_any_moment_leaves_nothing_behind(
    moment: str, open_socket: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fails when a cancelled consumer cleans up in `disconnect`, which does not run then.

    The fixture checks at the end that nothing is left.
    """
    state = str(await in_thread(head_of, team))
    await write(team, ana)
    socket = await open_socket(ana)
    await socket.hear_of("hello")
    if moment in ("standings", "first_head", "read_since"):
        gate = Gate(monkeypatch, moment, after=True)
        await socket.subscribe(team.pk, state=state, access="full.1")
        await gate.reached.wait()
    elif moment == "live":
        await socket.watch(team.pk)
    socket.future.cancel()
    await until(socket.future.done, what="the consumer to end")
    await until(lambda: not consumer._seats.taken, what="its count to go")
    await write_unheard(team, ana)
    await get_hub().check_heads()
    assert get_hub()._served == {}


async def test_a_socket_cut_while_it_is_let_in_leaves_nothing_behind(
    open_socket: Open, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "grant_of", after=True)
    socket = await open_socket(ana)
    await gate.reached.wait()
    socket.future.cancel()
    await until(socket.future.done, what="the consumer to end")


async def test_a_subscribe_that_fails_closes_that_socket_alone_and_leaves_nothing(
    open_socket: Open, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = await open_socket(ana)
    await other.watch(team.pk)
    socket = await open_socket(ana)
    await socket.hear_of("hello")

    async def fail(*_: Any) -> Any:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as broken:
        broken.setattr(reader, "standings", fail)
        await socket.subscribe(team.pk)
        assert await socket.closed() == 4001
    assert "could not be answered" in caplog.text
    await write(team, ana)
    await other.hear_of("changes")
