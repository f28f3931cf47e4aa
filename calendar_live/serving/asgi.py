"""Provides Django's ASGI application, with threads that are kept from one request to the next.

Two requests never use a thread at the same time.

Without this module, Django starts a thread for each request, and asgiref starts another one to end the first. Starting
a thread blocks the event loop until the thread runs, which takes some milliseconds while other threads are busy. That
was a third of the time of a process that answers requests (docs/benchmarks.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

import django
from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.db import connections

P = ParamSpec("P")
R = TypeVar("R")

_MOST_IDLE: Final = 32
_idle: Final[deque[ThreadPoolExecutor]] = deque()


class _RequestThread(Executor):
    """The thread of one request.

    The first call takes an idle thread, or starts one. After `give_back`, the next call takes another.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._last: Future[Any] | None = None

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        if self._thread is None:
            self._thread = _idle.pop() if _idle else ThreadPoolExecutor(1, thread_name_prefix="request")
        self._last = call = self._thread.submit(function, *args, **kwargs)
        return call

    def give_back(self) -> None:
        """Leave the thread to other requests, as soon as it has ended its calls.

        A request whose client has gone ends before its call does.
        """
        thread, self._thread = self._thread, None
        if thread is None or self._last is None:
            return
        last = self._last
        if last.cancelled() or not last.done():  # a cancelled call counts as done while an earlier one still runs
            last = thread.submit(connections.close_all)  # as the end of the request would have done
        last.add_done_callback(lambda _: _keep(thread))


def _keep(thread: ThreadPoolExecutor) -> None:
    if len(_idle) < _MOST_IDLE:
        _idle.append(thread)
    else:
        thread.shutdown(wait=False)


class _Request(ASGIRequest):
    """A request whose forms are UTF-8, as browsers send them, whatever charset its headers name.

    Other charsets can spell lone surrogates, which no database and no answer can contain.
    """

    @property
    def encoding(self) -> None:
        """The charset of forms: None stands for UTF-8."""

    @encoding.setter
    def encoding(self, named: object) -> None:
        """Ignore the charset that the headers name."""


class _Handler(ASGIHandler):
    request_class = _Request

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)  # Django refuses it
        thread = _RequestThread()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)
        finally:
            thread.give_back()


def get_asgi_application(more_at_once: Mapping[str, str] | None = None) -> ASGIHandler:
    """Set up Django and return its ASGI application, as Django's function of this name does.

    `more_at_once`: the names of other middlewares that never wait, each with the name of its replacement, which is a
    `middleware.AtOnce`.
    """
    django.setup(set_prefix=False)
    from .middleware import OURS, AtOnceHandler  # noqa: PLC0415 - some of Django's middlewares import models

    class Handler(AtOnceHandler, _Handler):
        at_once: ClassVar[Mapping[str, str]] = {**OURS, **(more_at_once or {})}

    return Handler()


async def give_back_thread() -> None:
    """Give back the thread of this request, with its database connections, before a long wait.

    Otherwise each request that waits would keep a thread idle. If the request needs a thread afterwards, it gets
    another.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    thread = SyncToAsync.context_to_thread_executor.get(context) if context else None
    if context is None or thread is None:
        return
    await sync_to_async(connections.close_all)()
    if isinstance(thread, _RequestThread):
        thread.give_back()
    else:  # one of asgiref's threads, under Django's own application
        SyncToAsync.context_to_thread_executor.pop(context, None)
        thread.shutdown(wait=False)
