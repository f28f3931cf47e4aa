"""Runs the thread that does a process's turns of the duties. It survives every failure and never delays an exit."""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from django.db import close_old_connections, connections

from .duties import DUTIES, Duty, failures, take_turn

logger = logging.getLogger(__name__)

_me: Final = secrets.token_hex(16)
_starting = threading.Lock()
_thread: threading.Thread | None = None


class Rota:
    """The next turn of each duty, in seconds by a clock that the caller reads.

    `spread` returns a number between its two arguments, so that processes that start together do not take their turns
    together.
    """

    def __init__(self, duties: Iterable[Duty], now: float, spread: Callable[[float, float], float]) -> None:
        self._spread = spread
        self._next = {duty: self._after(duty, now) for duty in duties if duty.period() > 0}

    def _after(self, duty: Duty, now: float) -> float:
        return now + self._spread(0.5, 1) * duty.period()

    def wait_seconds(self, now: float) -> float | None:
        """Return how long it is until the next turn of any duty, or None if no duty ever has a turn."""
        return max(0.0, min(self._next.values()) - now) if self._next else None

    def due(self, now: float) -> list[Duty]:
        """Return the duties whose turn it is, and give each its next turn."""
        due = [duty for duty, when in self._next.items() if when <= now]
        self._next |= {duty: self._after(duty, now) for duty in due}
        return due


def start(**_: object) -> None:
    """Start this process's thread once, unless no duty has a period. This is a receiver of `hub.hub_started`."""
    global _thread
    with _starting:
        rota = Rota(DUTIES, time.monotonic(), random.uniform)
        if _thread is None and rota.wait_seconds(0) is not None:
            _thread = threading.Thread(target=_run, args=[rota], name="calendar_live upkeep", daemon=True)
            _thread.start()


def _run(rota: Rota) -> None:
    while (wait := rota.wait_seconds(time.monotonic())) is not None:
        time.sleep(wait)
        for duty in rota.due(time.monotonic()):
            _take_turn(duty)


def _take_turn(duty: Duty) -> None:
    close_old_connections()
    try:
        take_turn(duty, holder=_me)
    except Exception:  # no database: the next turn tries again
        failures.labels(duty.name).inc()
        logger.exception("Background work %s could not begin", duty.name)
    finally:
        connections.close_all()
