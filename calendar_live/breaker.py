"""A circuit breaker: after a failure, callers skip the call for a while instead of waiting for another time-out."""

from __future__ import annotations

import threading


class Breaker:
    """One thing that may fail, seen from all threads of a process. Instants are of the monotonic clock."""

    def __init__(self) -> None:
        self._open_until = 0.0
        self._guard = threading.Lock()

    def is_open(self, now: float) -> bool:
        """Whether it is to be left alone."""
        return now < self._open_until

    def trip(self, now: float, pause_seconds: float) -> bool:
        """Have it left alone for a while. Return whether this is news: of those who fail at once, one is to say so."""
        with self._guard:
            news = not self.is_open(now)
            self._open_until = now + pause_seconds
        return news

    def reset(self) -> None:
        self._open_until = 0.0
