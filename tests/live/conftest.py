"""Fixtures of the live tests: a layer, threads and a hub for each test, and sockets that must leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from channels.layers import channel_layers
from django.contrib.auth.models import User
from django.db import connections
from prometheus_client import REGISTRY

from calendar_live.access.credentials import Credential
from calendar_live.live import consumer, reader
from calendar_live.live.deliveries import subscriptions
from calendar_live.live.hub import Hub, get_hub
from calendar_live.reading.grant import Grant
from testbed.servers import Redis
from testbed.waiting import until
from tests.live.pages import in_thread
from tests.live.processes import close, make_hubs, use_redis
from tests.live.sockets import Open, Socket, sign_in


@pytest.fixture(autouse=True)
def _new_layer_and_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the channel layer, which belongs to a test's event loop, and the threads with their connections."""
    channel_layers.backends.clear()
    subscriptions.set(0)  # the last hub of another test may have left some
    yield
    channel_layers.backends.clear()
    for threads in (reader._threads, reader._hub_thread):
        executor = threads()
        for _ in range(executor._max_workers):
            executor.submit(connections.close_all)
        executor.shutdown()
        threads.cache_clear()


@pytest.fixture
def no_head_check(settings: Any) -> None:
    """Let hubs check the heads only when a test makes them.

    No broadcast may then be given up because the machine is busy, so its time-out is long.
    """
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "BROADCAST_TIMEOUT_SECONDS": 30.0}


@pytest.fixture
async def hub(no_head_check: None) -> AsyncIterator[Hub]:
    """Yield a hub on the in-memory layer."""
    made = Hub()
    yield made
    await made.close()


@pytest.fixture
def first_checks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Awaitable[None]]:
    """Return a function that waits for the first check of rights of a number of sockets.

    Such a check would otherwise hide that a change of rights was not announced.
    """
    read, made = reader.grant_of, 0

    async def read_and_count(credential: Credential | None, *, at_leisure: bool = False) -> Grant | None:
        nonlocal made
        grant = await read(credential, at_leisure=at_leisure)
        made += at_leisure
        return grant

    async def await_checks(count: int) -> None:
        await until(lambda: made >= count, what="each socket's first check of its rights")

    monkeypatch.setattr(reader, "grant_of", read_and_count)
    return await_checks


@pytest.fixture
async def open_socket(settings: Any) -> AsyncIterator[Open]:
    """Yield a function that opens the socket of a user. All are closed at the end, and must leave nothing behind."""
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
    await hub.check_heads()  # removes calendars whose last page was reset
    assert hub._served == {}
    assert hub._audiences.of == {}
    assert not consumer._seats.taken
    assert REGISTRY.get_sample_value("calendar_live_sockets") == 0
    assert REGISTRY.get_sample_value("calendar_live_subscriptions") == 0
    await hub.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Redis]:
    """Yield a Redis that a test may kill, and then starts again."""
    running = Redis()
    running.start()
    yield running
    running.close()


@pytest.fixture
async def hubs(server: Redis, settings: Any) -> AsyncIterator[list[Hub]]:
    """Yield the hubs of two processes. They check the heads only when a test makes them."""
    use_redis(server, settings)
    # A long time-out: nothing else would bring a change whose broadcast was given up.
    made = await make_hubs(settings, BROADCAST_TIMEOUT_SECONDS=30.0)
    yield made
    await close(made)


@pytest.fixture
async def checking_hubs(server: Redis, settings: Any) -> AsyncIterator[list[Hub]]:
    """Yield the hubs of two processes. They check the heads as in production, but more often."""
    use_redis(server, settings)
    made = await make_hubs(settings, HEAD_CHECK_SECONDS=0.2)
    yield made
    await close(made)
