"""Acts as the bare WebSocket of a page and keeps the picture of one calendar.

The test decides when it reads, and how much.
"""

from __future__ import annotations

import json
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from testbed.servers import LOOPBACK
from testbed.websocket import CLOSE, PING, PONG, TEXT, Reader, handshake, masked

ABORTED: Final = 1006
_READ_BYTES: Final = 262_144


class Follower:
    """One socket on one calendar. `closed` is its close code; as in a browser, it is 1006 if none was received."""

    def __init__(
        self,
        port: int,
        *,
        cookie: str,
        calendar: str,
        receive_bytes: int | None = None,
        tls: bool = False,
        page: str = "",
    ) -> None:
        """Connect. `receive_bytes` is how much the kernel receives for a follower that does not read.

        `page` is the scheme of the page's origin, if it differs from that of the connection.
        """
        plain = socket.socket()
        if receive_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        plain.settimeout(10)
        plain.connect((LOOPBACK, port))
        opening = handshake(path="/ws/", port=port, cookie=cookie, scheme=page or ("https" if tls else "http"))
        if tls:
            plain = _unchecked().wrap_socket(plain)
        plain.sendall(opening)
        self._begin_with(plain, calendar)

    @classmethod
    def over(cls, opened: socket.socket, *, calendar: str) -> Self:
        """Return a follower that uses a connection on which the handshake was already sent."""
        self = cls.__new__(cls)
        self._begin_with(opened, calendar)
        return self

    def _begin_with(self, opened: socket.socket, calendar: str) -> None:
        self.calendar = calendar
        self.frames: list[str] = []
        self.items: dict[str, str] = {}
        self.state: str | None = None
        self.access: str | None = None
        self.closed: int | None = None
        self.heard_at: dict[str, float] = {}
        self.bytes_read = 0
        self._reader = Reader()
        self._upgraded = b""
        self._is_open = False
        self.socket = opened
        self.port = opened.getsockname()[1]
        opened.setblocking(False)

    def subscribe(self) -> None:
        """Wait for `hello`, then subscribe from the state of the picture or, without a picture, from now on."""
        read_until(lambda: "hello" in self.frames, [self], what="hello")
        self.say({"type": "subscribe", "id": 1, "calendar": self.calendar, "state": self.state, "access": self.access})

    def follow(self) -> None:
        """Subscribe, and read until the answer has arrived."""
        self.subscribe()
        read_until(lambda: self.state, [self], what="subscribed")

    def say(self, frame: dict[str, Any]) -> None:
        self.send(masked(TEXT, json.dumps(frame).encode()))

    def send(self, data: bytes) -> None:
        self.socket.setblocking(True)
        self.socket.sendall(data)
        self.socket.setblocking(False)

    def continue_from(self, other: Follower) -> None:
        """Take over the picture of another follower, which stands for the same page before it lost its connection."""
        self.items, self.state, self.access = other.items, other.state, other.access

    def read(self, at_most: int = _READ_BYTES) -> None:
        """Read what has arrived, and answer what a browser and our client answer by themselves."""
        try:
            received = self.socket.recv(at_most)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            received = b""
        if not received:
            self.closed = self.closed or ABORTED
            return
        self.bytes_read += len(received)
        if isinstance(self.socket, ssl.SSLSocket):  # bytes that are already decrypted do not wake a selector
            received += self.socket.recv(self.socket.pending()) if self.socket.pending() else b""
        if not self._is_open:
            received = self._begin(received)
        for opcode, payload in self._reader.feed(received):
            self._take(opcode, payload)

    def _begin(self, received: bytes) -> bytes:
        head, end, rest = (self._upgraded + received).partition(b"\r\n\r\n")
        if not end:
            self._upgraded += received
            return b""
        assert head.startswith(b"HTTP/1.1 101 "), head
        self._is_open = True
        return rest

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.send(masked(PONG, payload))
        elif opcode == CLOSE:
            self.closed = int.from_bytes(payload[:2], "big")
        elif opcode == TEXT:
            frame = json.loads(payload)
            self.frames.append(frame["type"])
            if frame["type"] == "head":
                self.say({"type": "ack", "states": frame["states"]})
            if frame.get("calendar") == self.calendar:
                self._follow(frame)

    def _follow(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "subscribed":
                self.state, self.access = frame["state"], frame["access"]
            case "changes":
                self.heard_at[frame["newState"]] = time.perf_counter()
                self.items |= {item["id"]: item["state"] for item in frame["upserted"]}
                for item in frame["destroyed"]:
                    self.items.pop(item, None)
                if not frame["more"]:
                    self.state = frame["newState"]
            case "reset":
                self.forget()

    def forget(self) -> None:
        """Forget the picture."""
        self.state = self.access = None
        self.items = {}

    def close(self) -> None:
        self.socket.close()


def read_until(
    done: Callable[[], object], followers: Sequence[Follower], *, what: str, timeout_seconds: float = 20
) -> None:
    """Read what arrives at the followers until `done` is true. Raises TimeoutError with `what` in its message."""
    with selectors.DefaultSelector() as selector:
        for one in followers:
            if one.closed is None:
                selector.register(one.socket, selectors.EVENT_READ, one)
        deadline = time.perf_counter() + timeout_seconds
        while not done():
            left = deadline - time.perf_counter()
            if left <= 0:
                raise TimeoutError(f"waited {timeout_seconds} s in vain: {what}")
            for key, _ in selector.select(min(left, 0.05)):
                key.data.read()
                if key.data.closed is not None:
                    selector.unregister(key.fileobj)


def _unchecked() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
