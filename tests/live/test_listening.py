"""The hub's one channel: whatever group it joins, it joins with the channel that it reads."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from django.test import override_settings

from calendar_live.live.hub import Hub
from calendar_live.receivers import Receiver


class SlowLayer:
    """A channel layer whose new channels take a turn of the event loop, as one across a network does."""

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
        """Hear nothing."""

    def recheck(self) -> None:
        """Have no rights to look at."""


@override_settings(CALENDAR_LIVE={"HEAD_CHECK_SECONDS": 60.0})
async def test_users_who_come_together_are_all_heard_on_one_channel() -> None:
    layer = SlowLayer()
    hub = Hub()
    hub._layer = layer
    try:
        await asyncio.gather(*(hub.enter(Page(user)) for user in range(5)))
    finally:
        await hub.close()
    assert layer.made == 1
    assert dict(layer.groups) == {f"user.{user}": {"channel1"} for user in range(5)}
