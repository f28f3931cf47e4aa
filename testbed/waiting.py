"""Waits for a condition, with a bound. This is the only place in the tests that sleeps."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], *, what: str, timeout_seconds: float = 10, interval_seconds: float = 0.01
) -> T:
    """Return the first truthy answer of `condition`. Raises TimeoutError with `what` in its message."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_seconds} s in vain: {what}")
        time.sleep(interval_seconds)


async def until(condition: Callable[[], object], *, what: str, timeout_seconds: float = 10) -> None:
    """Wait until `condition` (or its awaited result) is truthy. The event loop runs meanwhile.

    Raises TimeoutError with `what` in its message.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        answer = condition()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_seconds} s in vain: {what}")
        await asyncio.sleep(0.005)
