"""Django's ASGI application, with threads that are kept from one request to the next.

Never lets two requests use a thread at the same time.

Django gives each request a thread, and asgiref another to see the first off. Starting one holds up the event loop until it runs,
some milliseconds while other threads are busy: a third of the time of a process under requests (docs/benchmarks.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

import django
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")

_MOST_IDLE: Final = 32
_idle: Final[deque[ThreadPoolExecutor]] = deque()


class _RequestThread(Executor):
    """The thread of a request: one that idles, from the first call on; given back, the next call gets another."""

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[Any] | None = None

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        if self._thread is None:
            self._thread = _idle.pop() if _idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        self._last = call = self._thread.submit(function, *args, **kwargs)
        return call

    def give_back(self) -> None:
        """Leave the thread to others, once it has done what it is at: a request whose client has gone ends before its call."""
        thread, self._thread = self._thread, None
        if thread is None or self._last is None:
            return
        last = self._last
        if last.cancelled() or not last.done():  # a cancelled call is done while the one before it still runs
            last = thread.submit(connections.close_all)  # which the end of the request would have done
        last.add_done_callback(lambda _: _keep(thread))


def _keep(thread: ThreadPoolExecutor) -> None:
    if len(_idle) < _MOST_IDLE:
        _idle.append(thread)
    else:
        thread.shutdown(wait=False)


class _Handler(ASGIHandler):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)  # which refuses it
        thread = _RequestThread()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            thread.give_back()


def get_asgi_application(more_at_once: Mapping[str, str] | None = None) -> ASGIHandler:
    """Set Django up and return its ASGI application, as Django's function of this name does.

    `more_at_once`: by the names of other middlewares that wait for nothing, those of what stands in for them (`middleware.AtOnce`).
    """
    django.setup(set_prefix=False)
    from .middleware import OURS, AtOnceHandler  # noqa: PLC0415 - some of Django's import models

    class Handler(AtOnceHandler, _Handler):
        at_once: ClassVar[Mapping[str, str]] = {**OURS, **(more_at_once or {})}

    return Handler()


async def give_back_thread() -> None:
    """Give back the thread that this request has, with its database connections, before a long wait.

    It would stand idle meanwhile, one for each who waits. Whoever needs one afterwards gets another.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    thread = SyncToAsync.context_to_thread_executor.get(context) if context else None
    if context is None or thread is None:
        return
    await sync_to_async(connections.close_all)()
    if isinstance(thread, _RequestThread):
        thread.give_back()
    else:  # of asgiref's, under Django's own application
        SyncToAsync.context_to_thread_executor.pop(context, None)
        thread.shutdown(wait=False)
