"""Tests that the hub joins every group with the one channel that it reads."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from django.test import override_settings

from calendar_live.access.receivers import Receiver
from calendar_live.live import listener
from calendar_live.live.hub import Hub
from calendar_live.live.listener import Listener
from testbed.waiting import until


class SlowLayer:
    """A channel layer whose new channels take a turn of the event loop, as those of a layer across a network do."""

    def __init__(self) -> None:
        self.made = 0
        self.groups: defaultdict[str, set[str]] = defaultdict(set)

    async def new_channel(self) -> str:
        self.made += 1
        name = f"channel{self.made}"
        await asyncio.sleep(0)
        return name

    async def group_add(self, group: str, channel: str) -> None:
        self.groups[group].add(channel)

    async def receive(self, channel: str) -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError("never")


class Page:
    def __init__(self, user_id: int) -> None:
        self.receiver = Receiver("user", str(user_id))

    def push(self, text: str) -> None:
        """Ignore the frame."""

    def recheck(self, *, at_leisure: bool = False) -> None:
        """Check nothing, because this page has no rights."""


@override_settings(CALENDAR_LIVE={"HEAD_CHECK_SECONDS": 60.0})
async def test_users_who_come_together_are_all_heard_on_one_channel() -> None:
    layer = SlowLayer()
    hub = Hub()
    hub._listener._layer = layer
    try:
        await asyncio.gather(*(hub.enter(Page(user)) for user in range(5)))
    finally:
        await hub.close()
    assert layer.made == 1
    assert dict(layer.groups) == {f"user.{user}": {"channel1"} for user in range(5)}


class HeldLayer(SlowLayer):
    """A layer that answers one kind of call only when the test lets it."""

    def __init__(self, *, holds: str) -> None:
        super().__init__()
        self.holds = holds
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def new_channel(self) -> str:
        await self._wait_in("new_channel")
        return await super().new_channel()

    async def group_add(self, group: str, channel: str) -> None:
        await self._wait_in("group_add")
        await super().group_add(group, channel)

    async def _wait_in(self, call: str) -> None:
        if call == self.holds:
            self.asked.set()
            await self.let.wait()


async def _take(message: object) -> None:
    raise AssertionError("never")


@pytest.mark.parametrize("holds", ["new_channel", "group_add"])
async def test_what_is_joined_on_a_layer_that_was_given_up_meanwhile_is_joined_anew(
    holds: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing without a check that the layer is still in use: the hub no longer heard of a user's rights."""
    old, new = HeldLayer(holds=holds), SlowLayer()
    ears = Listener(_take, lambda group: None)
    ears._layer = old
    joining = asyncio.create_task(ears.join("user.1"))
    await old.asked.wait()
    monkeypatch.setattr(listener, "_layer_for_listening", lambda alias: new)
    await ears._begin_anew()
    old.let.set()
    await joining
    assert "user.1" in ears.unheard
    assert await ears._try_to_join("user.1", seconds=1)
    assert dict(new.groups) == {"user.1": {ears._name}}
    assert "user.1" not in ears.unheard


async def test_a_group_that_is_parted_from_while_all_are_joined_again_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing without a second check: the hub stayed in groups without pages until the process ended."""
    monkeypatch.setattr(listener, "_RETRY_SECONDS", 0.001)
    joined: list[str] = []
    ears = Listener(_take, joined.append)
    layer = ears._layer = HeldLayer(holds="group_add")
    ears._groups, ears.unheard = {"user.1", "user.2"}, {"user.1", "user.2"}
    rejoining = asyncio.create_task(ears.rejoin())
    try:
        await layer.asked.wait()
        await ears.part(list(ears.unheard)[1])  # the group that is joined second
        layer.let.set()
        await until(lambda: not ears.unheard, what="all to be joined")
    finally:
        rejoining.cancel()
    assert joined == list(layer.groups)
    assert len(joined) == 1
