"""Retries, in a thread, the notices of changed rights that could not be sent at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

_PAUSE_SECONDS: Final = 1.0
_MOST: Final = 10_000  # any further receivers have their rights checked at the next heartbeat
AT_ONCE: Final = 50  # as many as fit into the time limit of one broadcast


class Untold:
    """The receivers of one process who are still to be told, by their keys.

    A thread sends the notices, because not every process has a hub or an event loop.
    """

    def __init__(self, tell: Callable[[list[str]], Awaitable[None]]) -> None:
        """`tell` may raise. The receivers that it was given are then told again."""
        self._tell = tell
        self._keys: dict[str, None] = {}
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def add(self, keys: Iterable[str]) -> None:
        """Have receivers told now, and after a failure every second until it succeeds."""
        with self._guard:
            self._put(keys)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="calendar-live-untold", daemon=True)
                self._thread.start()

    def _put(self, keys: Iterable[str]) -> None:
        for key in keys:
            if len(self._keys) < _MOST:
                self._keys[key] = None

    def _run(self) -> None:
        asyncio.run(self._tell_all())

    async def _tell_all(self) -> None:
        while True:
            await self._tell_while_it_goes()
            with self._guard:
                if not self._keys:
                    self._thread = None  # under the guard: the next `add` starts another thread
                    return
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _tell_while_it_goes(self) -> None:
        while keys := self._take():
            try:
                await self._tell(keys)
            except Exception:  # the layer's own client errors; the first failure was logged
                with self._guard:
                    self._put(keys)
                return

    def _take(self) -> list[str]:
        with self._guard:
            taken = list(self._keys)[:AT_ONCE]
            for key in taken:
                del self._keys[key]
        return taken
