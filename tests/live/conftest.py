"""What every test of the live side needs: a layer, threads and a hub of its own, and sockets that leave nothing behind."""

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
    """Let no channel layer of another event loop, and no thread with a connection, outlive a test."""
    channel_layers.backends.clear()
    subscriptions.set(0)  # the last hub of another test may have had some
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
    """Let hubs check the heads only when a test makes them, so no broadcast may be given up because the machine is busy."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "BROADCAST_TIMEOUT_SECONDS": 30.0}


@pytest.fixture
async def hub(no_head_check: None) -> AsyncIterator[Hub]:
    """Return a hub on the in-memory layer."""
    made = Hub()
    yield made
    await made.close()


@pytest.fixture
def first_checks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Awaitable[None]]:
    """Return a wait for the check of the rights that each socket begins with, which would make up for word that nobody was told."""
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
    await hub.check_heads()  # takes away calendars whose last page was reset
    assert hub._served == {}
    assert hub._audiences.of == {}
    assert not consumer._seats.taken
    assert REGISTRY.get_sample_value("calendar_live_sockets") == 0
    assert REGISTRY.get_sample_value("calendar_live_subscriptions") == 0
    await hub.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Redis]:
    """Return a Redis that a test may kill and starts again."""
    running = Redis()
    running.start()
    yield running
    running.close()


@pytest.fixture
async def hubs(server: Redis, settings: Any) -> AsyncIterator[list[Hub]]:
    """Return two processes' hubs that check the heads only when a test makes them."""
    use_redis(server, settings)
    made = await make_hubs(settings, BROADCAST_TIMEOUT_SECONDS=30.0)  # nothing else makes good for one given up
    yield made
    await close(made)


@pytest.fixture
async def checking_hubs(server: Redis, settings: Any) -> AsyncIterator[list[Hub]]:
    """Return two processes' hubs that check the heads as in production, only oftener."""
    use_redis(server, settings)
    made = await make_hubs(settings, HEAD_CHECK_SECONDS=0.2)
    yield made
    await close(made)
