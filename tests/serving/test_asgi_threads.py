"""Tests the threads of requests: they are kept from one request to the next, and never shared by two at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.core.signals import request_started

from calendar_live.serving import asgi
from calendar_live.serving.asgi import _RequestThread, get_asgi_application
from testbed.waiting import wait_until

SCOPE = {"type": "http", "method": "GET", "path": "/healthz", "query_string": b"", "headers": [(b"host", b"localhost")]}


@pytest.fixture(autouse=True)
def _no_threads_of_other_tests() -> Iterator[None]:
    asgi._idle.clear()
    yield
    asgi._idle.clear()


async def answered(application: Any) -> int:
    one: Any = ApplicationCommunicator(application, dict(SCOPE))  # type: ignore[no-untyped-call]
    await one.send_input({"type": "http.request", "body": b""})
    status = (await one.receive_output(10))["status"]
    await one.receive_output(10)
    await one.wait(10)
    return int(status)


@contextmanager
def noting_threads() -> Iterator[list[int]]:
    """Record the thread in which each request starts."""
    threads: list[int] = []

    def note(**_: Any) -> None:
        threads.append(threading.get_ident())

    request_started.connect(note)
    try:
        yield threads
    finally:
        request_started.disconnect(note)


async def test_requests_one_after_the_other_have_one_thread() -> None:
    """Seen failing with Django's own application, whose threads end with their request."""
    application = get_asgi_application()
    with noting_threads() as threads:
        assert [await answered(application) for _ in range(5)] == [200] * 5
    assert len(threads) == 5
    assert len(set(threads)) == 1
    assert len(asgi._idle) == 1


def test_two_requests_at_the_same_time_have_two() -> None:
    first, second = _RequestThread(), _RequestThread()
    assert first.submit(threading.get_ident).result(10) != second.submit(threading.get_ident).result(10)
    assert first.submit(threading.get_ident).result(10) == first.submit(threading.get_ident).result(10)
    first.give_back()
    second.give_back()
    assert len(asgi._idle) == 2


def test_a_thread_that_still_works_is_nobody_elses_yet() -> None:
    """The client of its request has gone. Seen failing when threads are given back at once."""
    go_on = threading.Event()
    gone = _RequestThread()
    works: Future[bool] = gone.submit(go_on.wait, 10)
    gone.give_back()
    next_one = _RequestThread()
    next_one.submit(threading.get_ident).result(10)
    assert not works.done()
    go_on.set()
    assert works.result(10)
    wait_until(lambda: len(asgi._idle) == 1, what="the thread to be kept")
    next_one.give_back()
    assert len(asgi._idle) == 2


def test_a_thread_whose_next_call_was_called_off_is_nobody_elses_before_it_ends_and_keeps_no_connection() -> None:
    """Daphne cancels a request some seconds after its client has gone. Seen failing when `done` counts as idle."""
    go_on = threading.Event()
    gone = _RequestThread()
    works: Future[bool] = gone.submit(go_on.wait, 10)
    closes = gone.submit(threading.get_ident)
    assert closes.cancel()
    gone.give_back()
    assert not asgi._idle
    go_on.set()
    assert works.result(10)
    wait_until(lambda: len(asgi._idle) == 1, what="the thread to be kept")


def test_a_request_that_has_given_its_thread_back_gets_one_again() -> None:
    thread = _RequestThread()
    was = thread.submit(threading.get_ident).result(10)
    thread.give_back()
    thread.give_back()
    assert len(asgi._idle) == 1
    assert thread.submit(threading.get_ident).result(10) == was
    assert len(asgi._idle) == 0


def test_few_idle() -> None:
    threads = [_RequestThread() for _ in range(asgi._MOST_IDLE + 3)]
    before = threading.active_count()
    for one in threads:
        one.submit(threading.get_ident).result(10)
    for one in threads:
        one.give_back()
    wait_until(lambda: threading.active_count() - before <= asgi._MOST_IDLE, what="the threads too many to end")
    assert len(asgi._idle) == asgi._MOST_IDLE


async def test_what_is_no_request_is_refused() -> None:
    application: Any = get_asgi_application()
    with pytest.raises(ValueError, match="only handle ASGI/HTTP"):
        await application({"type": "lifespan"}, None, None)
