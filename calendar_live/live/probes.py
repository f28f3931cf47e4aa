"""Checks whether the channel layer takes messages, and whether it delivers them."""

from __future__ import annotations

import asyncio
from typing import Final

from asgiref.sync import async_to_sync
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer

from .. import conf
from .codec import ECHO_TYPE, RECONNECT_TYPE

# A group that nobody listens to.
NOBODYS_GROUP: Final = "nobody"


def layer_answers() -> bool | None:
    """Whether the channel layer takes a message within the time limit of a broadcast. None for the in-memory layer."""
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return None
    try:
        async_to_sync(_send_to_nobody)(layer)
    except Exception:  # whatever the layer's client raises
        return False
    return True


async def _send_to_nobody(layer: BaseChannelLayer) -> None:
    async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
        await layer.group_send(NOBODYS_GROUP, {"type": RECONNECT_TYPE})


async def send_echo(channel: str, *, number: int, group: str | None = None) -> None:
    """Send a message to a channel, or to one of its groups, so that its listener can see whether the message arrives.

    Raises what the layer's client raises.
    """
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is None:
        return
    echo = {"type": ECHO_TYPE, "channel": channel, "group": group, "number": number}
    async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
        await (layer.send(channel, echo) if group is None else layer.group_send(group, echo))
