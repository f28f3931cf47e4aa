"""What every test of the live side needs: a layer, threads and a hub of its own, and pages that check what they hear."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from channels.layers import channel_layers
from django.db import connections

from calendar_live.live import reader
from calendar_live.live.hub import Hub, subscriptions


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
def no_look(settings: Any) -> None:
    """Let hubs look at the heads only when a test makes them."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0}


@pytest.fixture
async def hub(no_look: None) -> AsyncIterator[Hub]:
    """Return a hub on the in-memory layer."""
    made = Hub()
    yield made
    await made.close()
