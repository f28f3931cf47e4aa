"""The site, in a process that tells what waits in it, and tidies up when SIGUSR2 says so. Never part of the product."""

import ctypes
import gc
import signal
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import Gauge
from twisted.internet import reactor

from calendar_live.live.outbox import unsent_bytes
from project.asgi import application

__all__ = ["application"]

_give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: other libraries keep less


def tidy(*_: Any) -> None:
    """Collect requests that refer to themselves, as all of Django's do, and return what the allocator keeps for each thread."""
    gc.collect()
    if _give_back:
        _give_back(0)


def most_waiting() -> int:
    """Return how many bytes wait for the connection for which the most do."""
    return max(map(unsent_bytes, reactor.getWriters()), default=0)  # type: ignore[misc]  # as in server.py


Gauge("tests_waiting_bytes", "What waits for the slowest reader.").set_function(most_waiting)
BaseDatabaseWrapper.queries_limit = 0  # DEBUG keeps the last 9,000 statements of each thread
signal.signal(signal.SIGUSR2, tidy)
