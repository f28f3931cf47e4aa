"""The site, in a process that gives back what it does not need when SIGUSR2 says so: to measure its memory. Never part of the product."""

import ctypes
import gc
import signal
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from project.asgi import application

__all__ = ["application"]

_give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's: other libraries keep less


def tidy(*_: Any) -> None:
    """Collect requests that refer to themselves, as all of Django's do, and return what the allocator keeps for each thread."""
    gc.collect()
    if _give_back:
        _give_back(0)


BaseDatabaseWrapper.queries_limit = 0  # DEBUG keeps the last 9,000 statements of each thread
signal.signal(signal.SIGUSR2, tidy)
