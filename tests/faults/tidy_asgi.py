"""Serves the site in a process that reports how many bytes wait in it, and tidies up its memory at SIGUSR2."""

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

_give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc; other libraries keep less


def tidy(*_: Any) -> None:
    """Collect Django's requests, which refer to themselves, and give back the memory that the allocator keeps."""
    gc.collect()
    if _give_back:
        _give_back(0)


def most_waiting() -> int:
    """Return the bytes that wait for the slowest reader."""
    return max(map(unsent_bytes, reactor.getWriters()), default=0)  # type: ignore[misc]  # as in server.py


Gauge("tests_waiting_bytes", "What waits for the slowest reader.").set_function(most_waiting)
BaseDatabaseWrapper.queries_limit = 0  # DEBUG keeps the last 9,000 statements of each thread
signal.signal(signal.SIGUSR2, tidy)
