"""Tells every open page of every process to reconnect."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from .. import conf
from .codec import CONTROL_GROUP, RECONNECT_TYPE


def send_reconnect(*, spread_ms: int) -> None:
    """Tell every open page of every process to reconnect within `spread_ms`. Raises what the layer's client raises."""
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is not None:
        async_to_sync(layer.group_send)(CONTROL_GROUP, {"type": RECONNECT_TYPE, "spread_ms": spread_ms})
