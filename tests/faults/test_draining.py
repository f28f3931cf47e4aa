"""A process that is told to stop ends in order: nobody's request is cut, pages go elsewhere, and the exit code is 0."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from bench.frames import handshake
from tests.cluster import Node
from tests.faults.followers import Follower, read_until
from tests.faults.serving import SERVER, calendar_of, connections_to, cookie_of, serving, sign_in
from tests.servers import LOOPBACK
from tests.waiting import wait_until

DRAIN_SECONDS: Final = 4


class Raw:
    """One HTTP/1.1 connection of which each byte is sent when the test says so."""

    def __init__(self, node: Node, client: httpx.Client, *, receive_bytes: int | None = None) -> None:
        self._host = f"{LOOPBACK}:{node.port}"
        self._headers = f"Cookie: {cookie_of(client)}\r\nX-CSRFToken: {client.headers['X-CSRFToken']}\r\n"
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(20)
        self.socket.connect((LOOPBACK, node.port))
        self.port = self.socket.getsockname()[1]

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Return a request as bytes."""
        content = b"" if body is None else json.dumps(body).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{self._headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    def ask(self, path: str) -> None:
        self.socket.sendall(self.request("GET", path))

    def post(self, path: str, body: object) -> None:
        self.socket.sendall(self.request("POST", path, body))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the next answer. Raises ConnectionError when it is cut off."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        while len(body) < int(headers["content-length"]):
            body += self._more()
        return int(lines[0].split()[1]), headers, body

    def _more(self) -> bytes:
        received = self.socket.recv(65_536)
        if not received:
            raise ConnectionError("the answer was cut off")
        return received

    def close(self) -> None:
        self.socket.close()


Connect = Callable[[], Raw]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with serving(tmp_path, DRAIN_SECONDS=DRAIN_SECONDS) as node:
        yield node


@pytest.fixture
def client(node: Node) -> Iterator[httpx.Client]:
    with closing(sign_in(node.url)) as client:
        yield client


@pytest.fixture
def connect(node: Node, client: httpx.Client) -> Iterator[Connect]:
    """Make connections that end with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(Raw(node, client)))


@contextmanager
def locked(node: Node) -> Iterator[Callable[[], object]]:
    """Keep every writer waiting until what is yielded is called."""
    database = node._environ["DATABASE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(database, isolation_level=None, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield lambda: connection.execute("ROLLBACK")


def tell_to_stop(node: Node, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal and wait until the process drains."""
    node.signal(number)
    wait_until(lambda: "Stopping: " in node.log(), what="the process to drain")


def end_of(node: Node) -> int:
    """Return the exit code; fails when anything in the log looks like a fault."""
    code = node.await_end()
    assert "Traceback" not in node.log()
    return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_under_way_are_answered_and_those_that_wait_at_once(
    number: signal.Signals, node: Node, client: httpx.Client, connect: Connect
) -> None:
    """Seen failing without `hub.end` (those that wait are cut), and without `_end_with_answer` (who keeps a connection is not told)."""
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
        node.signal(number)  # whoever is impatient
        release()
    assert write.answer()[0] == 200
    half.socket.sendall(request[-5:])
    assert half.answer()[0] == 200
    assert end_of(node) == 0


def test_who_waits_to_be_accepted_is_answered(node: Node, client: httpx.Client, connect: Connect) -> None:
    """Seen failing with `numberAccepts` as Twisted left it, and with `_end_with_answer` not knowing of requests already answered."""
    node.signal(signal.SIGSTOP)
    queued = [connect() for _ in range(150)]
    for one in queued:
        one.ask("/healthz")
    node.signal(signal.SIGTERM)
    node.signal(signal.SIGCONT)
    assert [one.answer()[0] for one in queued] == [200] * len(queued)
    assert end_of(node) == 0


def test_who_has_said_nothing_yet_is_answered(node: Node, connect: Connect) -> None:
    """Seen failing without the time for the first word."""
    silent = connect()
    wait_until(lambda: silent.port in connections_to(node), what="the connection")
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
    page.subscribe()
    read_until(lambda: page.state, [page], what="subscribed")
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
    """Seen failing with the wait for requests unbounded, and with `_busy` without what is half received."""
    calendar = calendar_of(client)
    half = connect()
    half.socket.sendall(half.request("PATCH", f"/api/calendars/{calendar['id']}/", {"name": "Half"})[:-5])
    wait_until(lambda: half.port in connections_to(node), what="the connection")
    told_at = time.monotonic()
    tell_to_stop(node)
    assert end_of(node) == 0
    assert time.monotonic() - told_at > DRAIN_SECONDS
    with pytest.raises(ConnectionError):
        half.answer()


def test_a_port_that_is_taken_is_told_by_the_exit_code(node: Node) -> None:
    """Seen failing with the exit code always 0."""
    command = [*SERVER, "--bind", LOOPBACK, "--port", str(node.port), "project.asgi:application"]
    assert subprocess.run(command, env=node._environ, capture_output=True, timeout=60).returncode == 1
