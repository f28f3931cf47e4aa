"""Runs several functions at once. Each has its own thread and connection, and waits for locks without a time limit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections

R = TypeVar("R")


def at_once(works: Sequence[Callable[[], R]]) -> list[R]:
    """Run each function in a thread of its own, all from the same moment. Return their results in order.

    Raises what one of them raised.
    """
    together = threading.Barrier(len(works))

    def run(work: Callable[[], R]) -> R:
        _wait_for_locks()
        together.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def _wait_for_locks() -> None:
    """Remove this connection's limits on waiting, because the machine decides how long many writers take.

    test_locks.py tests the limits.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA busy_timeout = 2147483647")  # milliseconds
        else:
            cursor.execute("SET lock_timeout = 0")
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
