"""Makes hubs on a real Redis, as two processes have them."""

from __future__ import annotations

from typing import Any, Final

from channels.layers import channel_layers
from django.contrib.auth.models import User

from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from testbed.servers import Redis
from tests.live.pages import Page

NEVER: Final = 3_600.0
ALIASES: Final = ("default", "second")


def use_redis(server: Redis, settings: Any) -> None:
    """Give each alias its own layer."""
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": server.url, "socket_timeout": 5}], "prefix": "calendar"},
    }
    settings.CHANNEL_LAYERS = dict.fromkeys(ALIASES, layer)
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": NEVER, "BROADCAST_PAUSE_SECONDS": 0.1}


async def make_hubs(settings: Any, **own: float) -> list[Hub]:
    """Return a hub for each alias. Changes are broadcast by the layer of the first."""
    hubs = []
    for alias in ALIASES:
        settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"CHANNEL_LAYER": alias} | own
        hubs.append(Hub())
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"CHANNEL_LAYER": ALIASES[0]}
    return hubs


async def close(hubs: list[Hub]) -> None:
    """End hubs and their connections."""
    for hub in hubs:
        await hub.close()
    for alias in ALIASES:
        await channel_layers[alias].flush()


async def pages_on(hubs: list[Hub], team: Calendar, ana: User) -> list[Page]:
    """Open two pages on each hub."""
    pages = [Page(ana) for _ in range(2 * len(hubs))]
    for page, hub in zip(pages, hubs * 2, strict=True):
        await hub.enter(page)
        await page.subscribe(hub, team)
    return pages
