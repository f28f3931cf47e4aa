"""Tests a hub that no longer hears a working Redis: head checks find changes until, soon, broadcasts arrive again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import pytest
import redis.asyncio
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from calendar_live.live import codec, listener
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from testbed.servers import Redis
from testbed.waiting import until
from tests.live.pages import Page
from tests.live.processes import NEVER, close, make_hubs, pages_on, use_redis
from tests.live.writing import settled, write

pytestmark = pytest.mark.django_db(transaction=True)

WITHIN_SECONDS: Final = 30

Disturb = Callable[[Hub, str, Redis], Awaitable[None]]


def ear(hub: Hub) -> Any:
    """Return the connection by which a hub's layer receives messages."""
    [shard] = hub._listener._layer._get_layer()._shards
    return shard


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def missed() -> float:
    return counted("calendar_live_missed_broadcasts_total")


def begun_anew() -> float:
    return counted("calendar_live_hub_restarts_total", task="listen")


async def cut(hub: Hub, group: str, server: Redis) -> None:
    """Make Redis close the connection."""
    async with redis.asyncio.Redis.from_url(server.url) as client:
        await client.client_kill_filter(_type="pubsub")


async def restart(hub: Hub, group: str, server: Redis) -> None:
    """Restart Redis, which then knows no subscription."""
    server.kill()
    server.start()


async def choke(hub: Hub, group: str, server: Redis) -> None:
    """Make the layer's task fail at one message."""
    real = ear(hub)._receive_message

    def fail(message: object) -> None:
        if message is not None:
            ear(hub)._receive_message = real
            raise RuntimeError("an error of the layer's")

    ear(hub)._receive_message = fail


async def time_out(hub: Hub, group: str, server: Redis) -> None:
    """End the layer's task by the one error of a connection that its own code does not catch."""

    async def fail(**_: Any) -> None:
        raise TimeoutError(110, "Connection timed out")

    ear(hub)._pubsub.get_message = fail
    await until(ear(hub)._receive_task.done, what="the task to end")


async def lose_the_peer(hub: Hub, group: str, server: Redis) -> None:
    """Make the kernel give up a connection whose peer no longer answers."""
    ear(hub)._pubsub.connection._reader.set_exception(TimeoutError(110, "Connection timed out"))


async def go_silent(hub: Hub, group: str, server: Redis) -> None:
    """Make a connection silent, as when a firewall forgets it: it is open, and nothing comes."""

    silent = asyncio.Event()

    async def nothing(**_: Any) -> None:
        silent.set()
        await asyncio.Event().wait()

    ear(hub)._pubsub.get_message = nothing
    await silent.wait()


async def forget_the_group(hub: Hub, group: str, server: Redis) -> None:
    """Lose one subscription of many without the layer's knowledge."""
    await ear(hub)._pubsub.unsubscribe(group)


async def is_broadcast(team: Calendar, ana: User, pages: list[Page]) -> bool:
    """Write. Return whether broadcasts brought the change to all pages before any head check did."""
    before = missed()
    await write(team, ana)
    for page in pages:
        await settled(page, team)
    return missed() == before


@pytest.fixture
async def checking_hubs(server: Redis, settings: Any) -> AsyncIterator[list[Hub]]:
    """Yield hubs that check the heads as in production."""
    use_redis(server, settings)
    made = await make_hubs(settings, HEAD_CHECK_SECONDS=1.0)
    yield made
    await close(made)


@pytest.mark.parametrize("disturb", [cut, restart, choke, time_out, lose_the_peer, go_silent, forget_the_group])
async def test_broadcasts_come_back_to_speed_after_the_layer_was_disturbed(
    disturb: Disturb,
    checking_hubs: list[Hub],
    server: Redis,
    team: Calendar,
    ana: User,
) -> None:
    """Invariant 5. Seen failing without `_try_ears` (`time_out`, `go_silent`), and when the head check doubts no group
    (`forget_the_group`).

    Seen failing, too, with the layer's default, which sends no pings (`lose_the_peer`): the process stalled for good.
    """
    pages, anew = await pages_on(checking_hubs, team, ana), begun_anew()
    await until(lambda: not any(hub._listener.unheard for hub in checking_hubs), what="the hubs to listen")
    await until(lambda: is_broadcast(team, ana, pages), what="broadcasts to be heard at all")
    await disturb(checking_hubs[1], f"calendar__group__{codec.group_of(str(team.pk))}", server)
    await until(
        lambda: is_broadcast(team, ana, pages), what="broadcasts to be heard again", timeout_seconds=WITHIN_SECONDS
    )
    if disturb in (time_out, go_silent, forget_the_group):
        assert begun_anew() > anew, "it is counted"
    for page in pages:
        assert page.revisions() == sorted(set(page.revisions())), "no double"
        assert "reset" not in page.kinds


@pytest.mark.parametrize("garbage", [b"", b"\xff\xfe", b"\x01", b"\x80", b"\x81\xa4type\xc0"])
async def test_what_cannot_be_read_holds_up_nothing(
    garbage: bytes, hubs: list[Hub], server: Redis, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing with a pause of `_RETRY_SECONDS` after a message that cannot be read."""
    pages = await pages_on(hubs, team, ana)
    monkeypatch.setattr(listener, "_RETRY_SECONDS", NEVER)
    async with redis.asyncio.Redis.from_url(server.url) as client:
        for _ in range(5):
            await client.publish(f"calendar__group__{codec.group_of(str(team.pk))}", garbage)
    await write(team, ana)
    for page in pages:
        await settled(page, team)


async def test_a_hub_that_waits_for_the_database_is_not_taken_for_deaf(
    hubs: list[Hub], team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing when echoes count as lost while the hub handles a message."""
    pages, anew = await pages_on(hubs, team, ana), begun_anew()
    served = hubs[0]._served[str(team.pk)]
    async with served.lock:
        await write(team, ana)
        await until(lambda: hubs[0]._listener._taking, what="the change set to wait")
        monkeypatch.setattr(listener, "_ECHO_SECONDS", 0.1)
        ticks = time.monotonic() + 1.5
        await until(lambda: time.monotonic() > ticks, what="some echoes to be due")
        monkeypatch.undo()  # from now on, a slow machine has as much time as in production
    for page in pages:
        await settled(page, team)
    assert begun_anew() == anew
