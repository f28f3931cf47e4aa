"""Announces change sets over the channel layer after their commit, within a time limit."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from prometheus_client import Counter

from .. import conf
from ..breaker import Breaker
from ..changelog import change_committed
from ..protocol.changes import ChangeSet
from . import codec

logger = logging.getLogger(__name__)

broadcasts = Counter("calendar_live_broadcasts_total", "Change sets and word of rights, told to the layer.", ["result"])

T = TypeVar("T")

breaker = Breaker()


def send(*, change_set: ChangeSet, **_: Any) -> None:
    """Send a change set to its group. After a failure, the hubs find it by their head check (invariant 5)."""
    guarded(_send, change_set, f"A change set of calendar {change_set.calendar} was not broadcast")


def guarded(send_it: Callable[[T], Awaitable[None]], what: T, complaint: str) -> bool:
    """Send something within the time limit, and return whether it was sent. Raises nothing.

    A failure is logged. Nothing is sent for a while after it, so that only one request waits for a dead broker.
    """
    if breaker.is_open(time.monotonic()):
        broadcasts.labels("paused").inc()
        return False
    try:
        async_to_sync(send_it)(what)
    except Exception as failure:  # the layer's own client errors; the change is committed, its request must not fail
        broadcasts.labels("failed").inc()
        if breaker.trip(time.monotonic(), conf.app.BROADCAST_PAUSE_SECONDS):
            logger.warning("%s: %s: %s", complaint, type(failure).__name__, failure)
        return False
    broadcasts.labels("sent").inc()
    return True


async def _send(change_set: ChangeSet) -> None:
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is not None:
        async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
            await layer.group_send(codec.group_of(change_set.calendar), codec.encode(change_set))


change_committed.connect(send, dispatch_uid="calendar_live.live.announcing")  # imported by apps.py
