"""A circuit breaker: after a failure, callers skip the call for a while instead of waiting for another time-out."""

from __future__ import annotations

import threading


class Breaker:
    """The breaker for one call that may fail, for all threads of a process. Instants are of the monotonic clock."""

    def __init__(self) -> None:
        self._open_until = 0.0
        self._guard = threading.Lock()

    def is_open(self, now: float) -> bool:
        """Whether callers are to skip the call."""
        return now < self._open_until

    def trip(self, now: float, pause_seconds: float) -> bool:
        """Make callers skip the call for a while. Return whether the breaker was closed before.

        If several callers fail at the same time, only one of them gets True, and that one reports the failure.
        """
        with self._guard:
            news = not self.is_open(now)
            self._open_until = now + pause_seconds
        return news

    def reset(self) -> None:
        self._open_until = 0.0
