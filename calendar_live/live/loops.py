"""Keeps one object for each running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


def one_per_loop(factory: Callable[[], T]) -> Callable[[], T]:
    """Return a function that returns the running loop's own object, which `factory` makes at its first call there.

    The object is forgotten with its loop, unless it refers to that loop. Outside a loop the function raises RuntimeError.
    """
    made: WeakKeyDictionary[asyncio.AbstractEventLoop, T] = WeakKeyDictionary()

    def get() -> T:
        loop = asyncio.get_running_loop()
        if loop not in made:
            made[loop] = factory()
        return made[loop]

    return get
