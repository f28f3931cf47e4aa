"""Implements as much of a client of RFC 6455 as a listener needs: it builds the request and frames, and reads frames.

It is pure and uses no socket.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

# The example of section 1.3. The server's answer to it is not checked, so all connections may use one nonce.
KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def handshake(*, path: str, port: int, cookie: str, scheme: str = "http") -> bytes:
    """Return the request that opens a WebSocket from a page of the same origin. `scheme` is the page's scheme."""
    host = f"127.0.0.1:{port}"
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {scheme}://{host}\r\nCookie: {cookie}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {KEY}\r\n\r\n"
    ).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame of at most 65,535 bytes. The mask is zero: it protects proxies, and here are none."""
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def unmasked(opcode: int, payload: bytes) -> bytes:
    """Return a server's frame, without a mask, of at most 65,535 bytes."""
    size = len(payload)
    length = struct.pack("!B", size) if size < 126 else struct.pack("!BH", 126, size)
    return bytes([0x80 | opcode]) + length + payload


class Reader:
    """Splits a server's bytes into frames. It refuses fragmented messages, which neither server sends."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, received: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield (opcode, payload) of each frame that `received` completes. Raises ValueError for a fragment."""
        buffer = self._buffer + received if self._buffer else received
        at = 0
        while (bounds := _bounds(buffer, at)) is not None:
            start, end = bounds
            yield buffer[at] & 0x0F, buffer[start:end]
            at = end
        self._buffer = buffer[at:]


def _bounds(buffer: bytes, at: int) -> tuple[int, int] | None:
    """Return the start and end of the payload of the frame at `at`, or None while it is incomplete."""
    if len(buffer) < at + 2:
        return None
    if not buffer[at] & 0x80 or not buffer[at] & 0x0F:
        raise ValueError("a fragmented message")
    size, start = buffer[at + 1], at + 2
    if size == 126:
        if len(buffer) < at + 4:
            return None
        size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
    elif size == 127:
        if len(buffer) < at + 10:
            return None
        size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
    return None if len(buffer) < start + size else (start, start + size)
