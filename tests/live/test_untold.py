"""Tests notices of new rights that the layer refused or lost: they are sent again, or a check replaces them.

Each test was seen failing.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers

from calendar_live.access.receivers import Receiver
from calendar_live.live import announcing, listener, rights, untold
from calendar_live.live.hub import Hub
from calendar_live.live.untold import Untold
from testbed.waiting import until, wait_until
from tests.live.pages import Page


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untold, "_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(listener, "_RETRY_SECONDS", 0.05)


class FlakyLayer(InMemoryChannelLayer):  # type: ignore[misc]  # channels ships no types
    """A layer that fails as long as `works` is false."""

    def __init__(self) -> None:
        super().__init__()
        self.works = False
        self.now = 0.0  # the time of a clock that each message moves on by a second
        self.told: list[str] = []

    async def group_send(self, group: str, message: Any) -> None:
        self._need_to_work()
        self.now += 1
        self.told.append(message.get("receiver"))

    async def group_add(self, group: str, channel: str) -> None:
        self._need_to_work()
        await super().group_add(group, channel)

    def _need_to_work(self) -> None:
        if not self.works:
            raise ConnectionError("the broker is gone")


@pytest.fixture
def layer() -> Iterator[FlakyLayer]:
    wait_until(lambda: rights.untold._thread is None, what="what other tests left to be told")
    announcing.breaker.reset()
    layer = FlakyLayer()
    channel_layers.set("default", layer)
    yield layer
    layer.works = True
    wait_until(lambda: rights.untold._thread is None, what="the rest to be told")
    channel_layers.backends.clear()
    announcing.breaker.reset()


def test_rights_that_a_layer_did_not_take_are_told_as_soon_as_it_does(layer: FlakyLayer) -> None:
    """This includes notices that were not tried in the pause after a failure, and needs no write in the meantime."""
    rights.send_rights(receivers=["user.1", "link.2"])
    assert announcing.breaker.is_open(time.monotonic())
    rights.send_rights(receivers=["user.3"])
    layer.works = True
    wait_until(lambda: len(layer.told) >= 3, what="them to be told")
    wait_until(lambda: rights.untold._thread is None, what="the telling to end")
    assert sorted(layer.told) == ["link.2", "user.1", "user.3"]


def test_word_for_many_keeps_nobody_waiting_and_stops_no_broadcast(
    layer: FlakyLayer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing when one call sends all of them, which the time-out of a broadcast would end."""
    settings.CALENDAR_LIVE = {"BROADCAST_TIMEOUT_SECONDS": 30.0}
    for module in (rights, untold):
        monkeypatch.setattr(module, "AT_ONCE", 5)
    monkeypatch.setattr(rights, "time", SimpleNamespace(monotonic=lambda: layer.now))
    layer.works = True
    everybody = [f"user.{number}" for number in range(120)]
    left: list[str] = []
    with monkeypatch.context() as for_later:
        for_later.setattr(rights.untold, "add", left.extend)
        rights.send_rights(receivers=everybody)
    assert 0 < len(left) < len(everybody)
    assert layer.told == everybody[: -len(left)]
    rights.untold.add(left)
    wait_until(lambda: len(layer.told) >= len(everybody), what="all to be told")
    assert sorted(layer.told) == sorted(everybody)
    assert not announcing.breaker.is_open(layer.now)


def test_nobody_is_forgotten_whom_many_threads_could_not_tell() -> None:
    told: Counter[str] = Counter()
    calls = 0

    async def tell(keys: list[str]) -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        if calls % 2:
            raise ConnectionError
        told.update(keys)

    kept = Untold(tell)

    def add(of: int) -> None:
        for each in range(100):
            kept.add([f"user.{of}-{each}"])

    threads = [threading.Thread(target=add, args=(of,)) for of in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: kept._thread is None, what="all to be told")
    assert set(told) == {f"user.{of}-{each}" for of in range(8) for each in range(100)}


async def test_who_could_not_join_at_once_is_checked_when_they_have(layer: FlakyLayer) -> None:
    """Rights that were withdrawn before the hub joined the group were announced to nobody here."""
    hub, page = Hub(), Page(Receiver("user", "1"))
    await hub.enter(page)
    try:
        assert page.rechecks == 0
        layer.works = True
        await until(lambda: page.rechecks == 1, what="a check of the rights")
    finally:
        await hub.close()


async def test_an_echo_that_never_came_has_everybody_checked(
    layer: FlakyLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that was restarted has lost the messages that came before this process joined its groups again."""
    monkeypatch.setattr(listener, "_ECHO_SECONDS", 0.02)
    layer.works = True
    hub, pages = Hub(), [Page(Receiver("user", str(number))) for number in range(3)]
    for page in pages:
        await hub.enter(page)
    try:
        await until(lambda: hub._listener._heard is not None, what="an echo")
        assert [page.rechecks for page in pages] == [0, 0, 0]
        hub._listener._number += 1  # an echo that was sent and did not come back
        await until(lambda: [page.rechecks for page in pages] == [1, 1, 1], what="checks of the rights")
    finally:
        await hub.close()
