"""Tests that a process that is told to stop ends in order: no request is cut, pages go elsewhere, exit code 0."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import httpx
import pytest

from testbed.cluster import Node
from testbed.followers import Follower, read_until
from testbed.servers import LOOPBACK
from testbed.serving import SERVER, calendar_of, cookie_of
from testbed.waiting import wait_until
from testbed.websocket import handshake
from tests.faults.conftest import Connect

DRAIN_SECONDS: Final = 4
CALENDAR_LIVE: Final[dict[str, Any]] = {"DRAIN_SECONDS": DRAIN_SECONDS}


@contextmanager
def locked(node: Node) -> Iterator[Callable[[], object]]:
    """Lock the database, so that every writer waits. Yield a function that releases the lock."""
    database = node._environ["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield lambda: connection.execute("ROLLBACK")


def tell_to_stop(node: Node, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal and wait until the process drains."""
    node.signal(number)
    wait_until(lambda: "Stopping: " in node.log(), what="the process to drain")


def end_of(node: Node) -> int:
    """Wait for the end of the process and return its exit code. Check that its log has no traceback."""
    code = node.await_end()
    assert "Traceback" not in node.log()
    return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_are_answered_and_those_that_wait_at_once(
    number: signal.Signals, node: Node, client: httpx.Client, connect: Connect
) -> None:
    """Seen failing without `hub.end`: requests that wait were cut.

    Seen failing, too, without `_end_with_answer`: the client of a persistent connection was not told to close it.
    """
    calendar = calendar_of(client)
    path = f"/api/calendars/{calendar['id']}/"
    write, half, changes, frames, kept = (connect() for _ in range(5))
    kept.ask("/api/calendars/")
    assert kept.answer()[0] == 200
    changes.ask(f"{path}changes/?since={calendar['state']}&wait=25")
    frames.post("/api/frames/", {"wait": 0, "known": None, "frames": []})
    known = json.loads(frames.answer()[2])["known"]
    frames.post("/api/frames/", {"wait": 25, "known": known, "frames": []})
    request = half.request("PATCH", path, {"name": "Half"})
    half.socket.sendall(request[:-5])
    wait_until(lambda: node.metrics()["calendar_live_polls"] == 2, what="both to wait")
    with locked(node) as release:
        write.socket.sendall(write.request("PATCH", path, {"color": "#123456"}))
        tell_to_stop(node, number)
        assert changes.answer()[0] == 200
        assert [frame["type"] for frame in json.loads(frames.answer()[2])["frames"]] == ["reconnect"]
        kept.ask("/api/calendars/")
        status, headers, _ = kept.answer()
        assert (status, headers["connection"]) == (200, "close")
        node.signal(number)  # as an impatient operator does
        release()
    assert write.answer()[0] == 200
    half.socket.sendall(request[-5:])
    assert half.answer()[0] == 200
    assert end_of(node) == 0


def test_who_waits_to_be_accepted_is_answered(node: Node, client: httpx.Client, connect: Connect) -> None:
    """Seen failing with Twisted's own `numberAccepts`, and when `_end_with_answer` fails on an answered request."""
    node.signal(signal.SIGSTOP)
    queued = [connect() for _ in range(150)]
    for one in queued:
        one.ask("/healthz")
    node.signal(signal.SIGTERM)
    node.signal(signal.SIGCONT)
    assert [one.answer()[0] for one in queued] == [200] * len(queued)
    assert end_of(node) == 0


def test_who_has_said_nothing_yet_is_answered(node: Node, connect: Connect) -> None:
    """Seen failing without the time that a new connection has for its first request."""
    silent = connect()
    wait_until(silent.is_open, what="the connection")
    tell_to_stop(node)
    node.signal(signal.SIGSTOP)  # so that it does not matter how slow this test is
    silent.ask("/healthz")
    node.signal(signal.SIGCONT)
    assert silent.answer()[0] == 200
    assert end_of(node) == 0


def test_pages_are_sent_elsewhere_and_those_that_stay_are_closed_with_4001(
    node: Node, client: httpx.Client, connect: Connect
) -> None:
    """Seen failing without `hub.end`, with `see_off` doing nothing, and without the close at the end."""
    calendar, cookie = str(calendar_of(client)["id"]), cookie_of(client)
    page = Follower(node.port, cookie=cookie, calendar=calendar)
    page.follow()
    coming = connect()
    opening = handshake(path="/ws/", port=node.port, cookie=cookie)
    coming.socket.sendall(opening[:-4])
    tell_to_stop(node)
    coming.socket.sendall(opening[-4:])
    late = Follower.over(coming.socket, calendar=calendar)
    read_until(lambda: page.closed and late.closed, [page, late], what="both to be closed")
    assert (page.frames[-1], page.closed) == ("reconnect", 4001)
    assert (late.frames[0], late.frames[-1], late.closed) == ("hello", "reconnect", 4001)
    page.close()
    assert end_of(node) == 0


def test_a_request_longer_than_the_time_is_given_up(node: Node, client: httpx.Client, connect: Connect) -> None:
    """Seen failing with an unbounded wait for requests, and when `_busy` omits requests that are half received."""
    calendar = calendar_of(client)
    half = connect()
    half.socket.sendall(half.request("PATCH", f"/api/calendars/{calendar['id']}/", {"name": "Half"})[:-5])
    wait_until(half.is_open, what="the connection")
    tell_to_stop(node)
    assert end_of(node) == 0
    assert "A request was cut off: it took longer than DRAIN_SECONDS" in node.log(), "it was waited for until then"
    with pytest.raises(ConnectionError):
        half.answer()


def test_a_port_that_is_taken_is_told_by_the_exit_code(node: Node) -> None:
    """Seen failing when the process ends without daphne's exit code (`run` in a `try`, the end in its `finally`)."""
    command = [*SERVER, "--bind", LOOPBACK, "--port", str(node.port), "project.asgi:application"]
    assert subprocess.run(command, env=node._environ, capture_output=True, timeout=60).returncode == 1
