"""Tests that each running event loop has its own object, and that waits end by themselves."""

from __future__ import annotations

import asyncio
import gc
import math
import time
import weakref
from collections.abc import Callable

import pytest

from calendar_live.live.loops import event_or_instant, one_per_loop


class Thing:
    """An object whose existence a test can check."""


async def _ask(get: Callable[[], Thing], times: int = 1) -> list[Thing]:
    return [get() for _ in range(times)]


def test_a_loop_gets_the_same_object_each_time_and_another_loop_gets_another() -> None:
    """Seen failing with one object for all loops, and with a new one at each call."""
    get = one_per_loop(Thing)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        [one, again] = first.run(_ask(get, 2))
        [other] = second.run(_ask(get))
        assert one is again
        assert other is not one
        assert first.run(_ask(get)) == [one]


def test_functions_of_two_calls_do_not_share_their_objects() -> None:
    """Seen failing with the dictionary outside `one_per_loop`."""
    with asyncio.Runner() as runner:
        assert runner.run(_ask(one_per_loop(Thing))) != runner.run(_ask(one_per_loop(Thing)))


def test_an_object_is_forgotten_with_its_loop() -> None:
    """Seen failing with an ordinary dictionary."""
    get = one_per_loop(Thing)
    gone = weakref.ref(asyncio.run(_ask(get))[0])
    gc.collect()
    assert gone() is None


def test_without_a_running_loop_there_is_no_object() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        one_per_loop(Thing)()


async def test_a_wait_ends_at_its_event_and_at_its_instant_whichever_is_first() -> None:
    """Seen failing with an event that stays set, and without the time-out (for ever)."""
    event = asyncio.Event()
    event.set()
    await event_or_instant(event, math.inf)
    assert not event.is_set()
    for instant in (-math.inf, time.monotonic() + 0.01):
        await event_or_instant(event, instant)
