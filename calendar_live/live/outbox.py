"""Sends one socket's frames without ever waiting, and limits the backlog of a slow reader (invariant 10)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from functools import lru_cache, partial
from typing import Any, Final, cast

from prometheus_client import Counter

logger = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

TOO_SLOW: Final = 4008

too_slow = Counter("calendar_live_slow_sockets_total", "Sockets closed because too much waited for their reader.")

_STEP_SECONDS: Final = 0.05


class Outbox:
    """Sends text frames and the close through an ASGI `send`, in order.

    Daphne's `send` never suspends, so it is called directly. A frame without a backlog before it goes to the kernel at
    once. Under any other server, each socket has a writer task. The backlog is counted here or, under daphne, is what
    Twisted keeps for the connection. Bytes that the kernel has taken do not count: see
    docs/adr/0012-slow-readers-under-daphne.md.
    """

    def __init__(self, send: Send, *, max_bytes: int) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._backlog: deque[tuple[dict[str, Any], int]] = deque()  # with their bytes
        self._backlog_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._straight = _never_suspends(send)
        self._connection = send.args[0] if self._straight and isinstance(send, partial) and send.args else None
        self.closed = False

    def push(self, text: str) -> None:
        """Send a text frame after everything that was pushed before. Never waits and never raises."""
        if self.closed or (self._connection is not None and _write_at_once(self._connection, text)):
            return
        size = len(text.encode())
        if self.backlog_bytes + size > self._max_bytes:
            self._backlog.clear()
            # The reader may never get to the close. Then autobahn drops the connection and its backlog after a second.
            self.close(TOO_SLOW)
            too_slow.inc()
            return
        self._put({"type": "websocket.send", "text": text}, size)

    @property
    def backlog_bytes(self) -> int:
        """Return how many bytes were pushed that the kernel has not taken yet."""
        return self._backlog_bytes if self._connection is None else _unsent_bytes(self._connection)

    async def room(self) -> None:
        """Wait until there is room for a replay. A slow reader who returns to many calendars gets one at a time."""
        while not self.closed and self.backlog_bytes > self._max_bytes // 4:  # noqa: ASYNC110 - Twisted has no event
            await asyncio.sleep(_STEP_SECONDS)

    def close(self, code: int) -> None:
        """Close the socket with a code, after everything that was pushed before. Later pushes are dropped."""
        if not self.closed:
            self.closed = True
            self._put({"type": "websocket.close", "code": code}, 0)

    def abandon(self) -> None:
        """Forget the backlog: the socket is gone."""
        self.closed = True
        if self._writer is not None:
            self._writer.cancel()

    def _put(self, message: dict[str, Any], size: int) -> None:
        if self._straight:
            self._send_straight(message)
            return
        self._backlog.append((message, size))
        self._backlog_bytes += size
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    def _send_straight(self, message: dict[str, Any]) -> None:
        step = cast(Coroutine[Any, Any, None], self._send(message))
        try:
            step.send(None)
        except StopIteration:
            return
        except Exception:  # one broken socket must not stop the delivery to the others
            self.closed = True
            logger.debug("A socket broke while it was written to", exc_info=True)
            return
        step.close()
        raise RuntimeError("daphne's send suspended: its version changed; see outbox._never_suspends")

    async def _write(self) -> None:
        while self._backlog:
            message, size = self._backlog.popleft()
            self._backlog_bytes -= size
            try:
                await self._send(message)
            except Exception:  # the server's own error for a socket that is gone
                self.closed = True
                logger.debug("A socket broke while it was written to", exc_info=True)
                return


def _never_suspends(send: Send) -> bool:
    """Whether this is daphne's `send`: a partial of `Server.handle_reply`, a coroutine function that awaits nothing."""
    function = send.func if isinstance(send, partial) else None
    return (
        getattr(function, "__module__", "") == "daphne.server" and getattr(function, "__name__", "") == "handle_reply"
    )


def _write_at_once(connection: Any, text: str) -> bool:
    """Write a text frame to the socket of a daphne connection. Return False when it must be sent in the ordinary way.

    Twisted would store the frame, ask the selector when the socket can be written to, and write it then. That is four
    fifths of the cost of a delivery (docs/benchmarks.md). A socket without a backlog can take the frame now.
    """
    try:
        if not _is_idle(connection):
            return False
        frame = _frame(text)
        written = connection.transport.writeSomeData(frame)
        if written == len(frame):
            return True
        if not isinstance(written, int) or written <= 0:
            return False  # the socket is full or lost, which daphne handles
        connection.transport.write(frame[written:])
    except AttributeError:  # another version of daphne, autobahn or Twisted: the ordinary way is slower, but right
        return False
    return True


def _is_idle(connection: Any) -> bool:
    """Whether a daphne connection is an open, uncompressed WebSocket over plain TCP with nothing left to write."""
    transport = connection.transport
    return (
        connection.state == connection.STATE_OPEN
        and connection._perMessageCompress is None
        and not connection.send_queue
        and type(transport).__module__ == "twisted.internet.tcp"
        and not transport.TLS
        and bool(transport.connected)
        and not transport.disconnecting
        and not transport.dataBuffer
        and not transport._tempDataBuffer
    )


def _unsent_bytes(connection: Any) -> int:
    """Return how many bytes Twisted keeps for a daphne connection. A TLS transport asks its TCP transport."""
    try:
        return unsent_bytes(connection.transport)
    except AttributeError:  # another version of Twisted: there is no limit until this module is adapted
        return 0


def unsent_bytes(transport: Any) -> int:
    """Return how many bytes a Twisted transport keeps. Raises AttributeError for other objects and unknown versions."""
    return len(transport.dataBuffer) - int(transport.offset) + int(transport._tempDataLen)


@lru_cache(maxsize=64)  # a delivery writes a few texts to thousands of sockets
def _frame(text: str) -> bytes:
    """Return a server's text frame (RFC 6455, section 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1, "big") + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
