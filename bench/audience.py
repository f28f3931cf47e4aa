"""Generates the load: thousands of listening sockets in one process with one selector, and the request that deletes.

It does not use Django.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from testbed.websocket import CLOSE, PING, PONG, TEXT, Reader, handshake, masked

LOOPBACK: Final = "127.0.0.1"
CONNECTING_AT_ONCE: Final = 20  # if all connect at once, some exceed the 5 s that daphne allows for a handshake
CONNECT_TIMEOUT_SECONDS: Final = 120
_RECEIVE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Manner:
    """How to talk to a server: the socket's path, and the frame that subscribes (None: the path names the calendar)."""

    path: str
    subscribe: str | None = None
    headers: str = ""


@dataclass(slots=True)
class Heard:
    """The result of one deletion. Times are seconds since the DELETE request was handed to the kernel."""

    arrivals: list[float]
    answer: float
    frame_bytes: int
    twice: int


class Listener:
    """One open socket."""

    __slots__ = ("audience", "heard_at", "reader", "ready", "socket", "upgraded")

    def __init__(self, connection: socket.socket, audience: Audience) -> None:
        self.socket = connection
        self.audience = audience
        self.reader = Reader()
        self.upgraded = False
        self.ready = False
        self.heard_at = 0.0


class Ear:
    """One selector for all sockets of the run, so that servers also get their pongs while another one is measured."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}

    def add(self, connection: socket.socket, read: Callable[[], None]) -> None:
        self._readers[connection.fileno()] = read
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def remove(self, connection: socket.socket) -> None:
        self._epoll.unregister(connection.fileno())
        del self._readers[connection.fileno()]
        connection.close()

    def listen_until(self, done: Callable[[], bool], timeout_seconds: float) -> bool:
        """Read what arrives until `done` is true. Return False if the time is up before that."""
        deadline = time.perf_counter() + timeout_seconds
        while not done():
            left = deadline - time.perf_counter()
            if left <= 0:
                return False
            for descriptor, _ in self._epoll.poll(left):
                reader = self._readers.get(descriptor)
                if reader is not None:
                    reader()
        return True

    def listen_for(self, seconds: float) -> None:
        """Read what arrives for a while."""
        self.listen_until(lambda: False, seconds)


class Audience:
    """All sockets that listen to one server."""

    def __init__(self, ear: Ear, *, port: int, manner: Manner, cookies: list[str]) -> None:
        self._ear = ear
        self._port = port
        self._manner = manner
        self._cookies = cookies
        self._listeners: list[Listener] = []
        self._ready = 0
        self._upgraded = 0
        self._item = b""
        self._heard = 0
        self._twice = 0
        self._frame_bytes = 0

    # --- connecting ------------------------------------------------------------------------------------------------

    def grow(self, size: int) -> None:
        """Open sockets until there are `size`, each signed in and subscribed."""
        while len(self._listeners) < size:
            for number in range(len(self._listeners), min(size, len(self._listeners) + CONNECTING_AT_ONCE)):
                self._open(self._cookies[number % len(self._cookies)])
            if not self._ear.listen_until(lambda: self._ready == len(self._listeners), CONNECT_TIMEOUT_SECONDS):
                raise TimeoutError(f"{self._ready} of {len(self._listeners)} sockets were ready in time")

    def _open(self, cookie: str) -> None:
        connection = socket.create_connection((LOOPBACK, self._port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener = Listener(connection, self)
        self._listeners.append(listener)
        connection.sendall(handshake(path=self._manner.path, port=self._port, cookie=cookie))
        self._ear.add(connection, lambda: self._read(listener))

    def _begin(self, listener: Listener, received: bytes) -> bytes:
        head, end, rest = received.partition(b"\r\n\r\n")
        if not end or not head.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"a socket was refused: {received[:200]!r}")
        listener.upgraded = True
        if self._manner.subscribe is None:
            self._is_ready(listener)
        else:
            listener.socket.sendall(masked(TEXT, self._manner.subscribe.encode()))
        return rest

    def _is_ready(self, listener: Listener) -> None:
        listener.ready = True
        self._ready += 1

    # --- listening -------------------------------------------------------------------------------------------------

    def _read(self, listener: Listener) -> None:
        received = listener.socket.recv(_RECEIVE_BYTES)
        now = time.perf_counter()
        if not received:
            raise ConnectionError("the server hung up")
        if not listener.upgraded:
            received = self._begin(listener, received)
        for opcode, payload in listener.reader.feed(received):
            if opcode == TEXT and self._item and self._item in payload:
                self._hear(listener, payload, now)
            else:
                self._answer(listener, opcode, payload)

    def _hear(self, listener: Listener, payload: bytes, now: float) -> None:
        if listener.heard_at:
            self._twice += 1
            return
        listener.heard_at = now
        self._heard += 1
        self._frame_bytes = len(payload)

    def _answer(self, listener: Listener, opcode: int, payload: bytes) -> None:
        """Answer pings and heads as a browser and our client do, and count the socket as ready when it is subscribed.

        Raises ConnectionError when the server closes the socket or sends a frame that no listener expects.
        """
        if opcode == PING:
            listener.socket.sendall(masked(PONG, payload))
        elif opcode == CLOSE:
            raise ConnectionError(f"the server closed a socket: {payload!r}")
        elif opcode == TEXT:
            frame = json.loads(payload)
            if frame["type"] == "subscribed":
                self._is_ready(listener)
            elif frame["type"] == "head":
                ack = json.dumps({"type": "ack", "states": frame["states"]})
                listener.socket.sendall(masked(TEXT, ack.encode()))
            elif frame["type"] in {"error", "reset", "rights", "reconnect"}:
                raise ConnectionError(f"not what a listener expects: {payload!r}")

    # --- deletions -------------------------------------------------------------------------------------------------

    def delete(self, path: str, *, item: str, headers: str, timeout_seconds: float) -> Heard:
        """Delete an item over HTTP. Listen until the answer is here and all sockets have the frame, or time is up."""
        for listener in self._listeners:
            listener.heard_at = 0.0
        self._heard = self._twice = 0
        self._item = item.encode()
        request = Request(self._ear, self._port, path, headers)
        sent_at = request.send()
        self._ear.listen_until(lambda: self._heard == len(self._listeners) and request.answered_at > 0, timeout_seconds)
        request.close()
        arrivals = sorted(listener.heard_at - sent_at for listener in self._listeners if listener.heard_at)
        return Heard(arrivals, request.answered_at - sent_at, self._frame_bytes, self._twice)

    def leave(self) -> None:
        """Close all sockets."""
        for listener in self._listeners:
            self._ear.remove(listener.socket)
        self._listeners = []


class Request:
    """One DELETE, on a connection that is opened before the clock starts. Its answer must be 200."""

    def __init__(self, ear: Ear, port: int, path: str, headers: str) -> None:
        self._ear = ear
        host = f"{LOOPBACK}:{port}"
        self._bytes = (
            f"DELETE {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{headers}Content-Length: 0\r\n\r\n"
        ).encode()
        self._connection = socket.create_connection((LOOPBACK, port))
        self._answer = b""
        self.answered_at = 0.0

    def send(self) -> float:
        """Send the request. Return the time at which it was sent."""
        self._ear.add(self._connection, self._read)
        sent_at = time.perf_counter()
        self._connection.sendall(self._bytes)
        return sent_at

    def _read(self) -> None:
        received = self._connection.recv(_RECEIVE_BYTES)
        if not received:
            raise ConnectionError(f"the answer was cut off: {self._answer!r}")
        self._answer += received
        if not self.answered_at and b"\r\n\r\n" in self._answer:
            if not self._answer.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(f"the deletion was refused: {self._answer[:1000]!r}")
            self.answered_at = time.perf_counter()

    def close(self) -> None:
        self._ear.remove(self._connection)
