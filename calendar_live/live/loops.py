"""Keeps one object for each running event loop, and waits there for an event or an instant."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


def one_per_loop(factory: Callable[[], T]) -> Callable[[], T]:
    """Return a function that returns the running loop's own object, which `factory` makes at its first call there.

    The object is forgotten with its loop, unless it refers to it. Without a running loop, RuntimeError is raised.
    """
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get() -> T:
        loop = asyncio.get_running_loop()
        if loop not in made:
            made[loop] = factory()
        return made[loop]

    return get


async def event_or_instant(event: asyncio.Event, instant: float) -> None:
    """Wait until an event is set, or until an instant of the monotonic clock. The event is clear afterwards."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, instant - time.monotonic())):
            await event.wait()
    event.clear()
