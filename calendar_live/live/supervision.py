"""Keeps endless tasks running: a task that ends is started again."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Final

from prometheus_client import Counter

logger = logging.getLogger(__name__)

restarts = Counter("calendar_live_hub_restarts_total", "Tasks of the hub that ended and were started again.", ["task"])

_CANCEL_AGAIN_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 1.0  # a task that always fails must not keep the event loop busy

Run = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """Some endless tasks of one event loop, by name."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._runs = runs
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._pauses: dict[str, asyncio.TimerHandle] = {}

    @property
    def started(self) -> bool:
        return bool(self._tasks)

    def start(self) -> None:
        """Start all of them."""
        for name in self._runs:
            self._start(name)

    def _start(self, name: str) -> None:
        # The tasks outlive the request that starts them, so they need a context of their own.
        task = asyncio.get_running_loop().create_task(self._runs[name](), name=name, context=contextvars.Context())
        self._tasks[name] = task
        task.add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is not task:
            return  # ended by `close`
        restarts.labels(name).inc()
        failure = None if task.cancelled() else task.exception()
        logger.error("The hub's task %r ended; it is started again", name, exc_info=failure)
        self._pauses[name] = task.get_loop().call_later(_PAUSE_SECONDS, self._start, name)

    async def close(self) -> None:
        """End all of them."""
        tasks, self._tasks = self._tasks, {}
        for pause in self._pauses.values():
            pause.cancel()
        left = set(tasks.values())
        while left:
            for task in left:
                task.cancel()
            # In Python 3.11, `asyncio.wait_for` loses a cancellation that comes in the same moment as its answer.
            _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
        await asyncio.gather(*tasks.values(), return_exceptions=True)
