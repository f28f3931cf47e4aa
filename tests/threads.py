"""Several things at once: each on a thread, and a connection, of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

R = TypeVar("R")


def at_once(works: Sequence[Callable[[], R]]) -> list[R]:
    """Run each on a thread of its own, all from one moment on; return their answers in order. Raises what one of them raised."""
    together = threading.Barrier(len(works))

    def run(work: Callable[[], R]) -> R:
        together.wait(30)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
