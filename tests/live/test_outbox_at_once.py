"""Tests frames that are handed to the kernel at once, on a real Twisted transport: whole, once, and in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from daphne.server import Server as Daphne
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import tcp

from calendar_live.live.outbox import TOO_SLOW, Outbox, _frame, too_slow
from testbed.websocket import CLOSE, TEXT, Reader


class Reactor:
    """A reactor that writes only when the test calls it."""

    def __init__(self) -> None:
        self.writers: set[Any] = set()

    def addReader(self, transport: Any) -> None:
        """Read nothing."""

    removeReader = addReader

    def addWriter(self, transport: Any) -> None:
        self.writers.add(transport)

    def removeWriter(self, transport: Any) -> None:
        self.writers.discard(transport)

    def write(self) -> None:
        for transport in list(self.writers):
            transport.doWrite()


class Connection:
    """An open WebSocket as daphne keeps it, and the browser's end of its TCP connection."""

    def __init__(self, *, max_bytes: int = 1_000_000) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.browser = socket.create_connection(listening.getsockname())
            accepted, peer = listening.accept()
        accepted.setblocking(False)
        self.browser.setblocking(False)
        self.reactor = Reactor()
        self.protocol = WebSocketFactory(None).buildProtocol(None)
        self.closed: list[bytes] = []
        assert isinstance(self.protocol, WebSocketProtocol)
        self.protocol._connectionMade()  # autobahn's own state, without a handshake
        server: Any = SimpleNamespace(_realPortNumber=0)
        self.transport = tcp.Server(accepted, self.protocol, peer, server, 0, self.reactor)  # type: ignore[arg-type]
        self.protocol.transport = self.transport
        self.protocol.state = self.protocol.STATE_OPEN
        self.protocol.client_addr = None
        self._reader = Reader()
        daphne = Daphne(None, endpoints=["tcp:0"])
        daphne.connections = {self.protocol: {}}
        self.outbox = Outbox(partial(daphne.handle_reply, self.protocol), max_bytes=max_bytes)

    def arrived(self) -> list[str]:
        """Return the texts that have arrived."""
        texts: list[str] = []
        while True:
            try:
                received = self.browser.recv(1 << 20)
            except BlockingIOError:
                return texts
            if not received:
                return texts
            for opcode, payload in self._reader.feed(received):
                if opcode == TEXT:
                    texts.append(payload.decode())
                elif opcode == CLOSE:
                    self.closed.append(payload)

    def close(self) -> None:
        self.browser.close()
        self.transport.socket.close()


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = Connection()
    yield made
    made.close()


async def test_the_installed_twisted_writes_a_frame_at_once(connection: Connection) -> None:
    """Fails when an upgrade changes the attributes that `_is_idle` reads.

    Deliveries are right then, but cost five times as much.
    """
    connection.outbox.push("né")
    assert connection.reactor.writers == set()
    assert connection.arrived() == ["né"]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
async def test_a_frame_of_any_size_is_read_as_it_was_written(size: int) -> None:
    assert list(Reader().feed(_frame("x" * size))) == [(TEXT, b"x" * size)]


async def test_a_frame_keeps_its_place_behind_what_waits(connection: Connection) -> None:
    connection.protocol.sendMessage(b"1")  # not by the outbox: it waits for the reactor
    connection.outbox.push("2")
    assert connection.arrived() == []
    connection.reactor.write()
    connection.outbox.push("3")
    assert connection.arrived() == ["1", "2", "3"]


async def test_a_reader_that_is_slow_gets_every_frame_whole_and_in_order() -> None:
    connection = Connection(max_bytes=20_000_000)
    texts = [f"{number} ".ljust(60_000, "x") for number in range(200)]
    for text in texts:
        connection.outbox.push(text)
    assert connection.reactor.writers == {connection.transport}, "the kernel was full"
    found = connection.arrived()
    assert 0 < len(found) < len(texts)
    while connection.reactor.writers:
        connection.reactor.write()
        found += connection.arrived()
    assert found == texts
    connection.close()


async def test_what_waits_for_a_reader_of_daphnes_is_bounded_and_then_it_is_closed_with_4008(
    connection: Connection,
) -> None:
    """Invariant 10. Fails when an upgrade changes the attributes that `_unsent_bytes` reads.

    Seen failing when `_unsent_bytes` returns 0, when it omits `_tempDataLen`, and when it omits `offset`.
    """
    before = too_slow._value.get()
    text = "x" * 60_000
    pushed, most = 0, 0
    while not connection.outbox.closed:
        connection.outbox.push(text)
        pushed += 1
        most = max(most, connection.outbox.backlog_bytes)
        assert pushed < 1_000, "what waits is not counted"
    assert 900_000 < most <= 1_000_000
    connection.outbox.push("too late")
    assert connection.outbox.backlog_bytes < 1_000_100
    found = connection.arrived()
    while connection.reactor.writers:
        waited = connection.outbox.backlog_bytes
        connection.reactor.write()
        assert connection.outbox.backlog_bytes < waited
        found += connection.arrived()
    assert found == [text] * (pushed - 1)
    assert connection.closed == [TOO_SLOW.to_bytes(2, "big")]
    assert too_slow._value.get() == before + 1


async def test_who_reads_again_in_time_is_not_closed(connection: Connection) -> None:
    """Seen failing when `_unsent_bytes` counts the bytes that were written instead of those that wait."""
    text = "x" * 60_000
    for _ in range(20):
        while connection.outbox.backlog_bytes < 500_000:
            connection.outbox.push(text)
        while connection.reactor.writers:
            connection.reactor.write()
            connection.arrived()
        assert connection.outbox.backlog_bytes == 0
    assert not connection.outbox.closed


async def test_a_replay_waits_until_there_is_room_for_it(connection: Connection) -> None:
    """Seen failing when `room` returns at once: a page that comes back to many calendars would be closed each time."""
    while connection.outbox.backlog_bytes < 500_000:
        connection.outbox.push("x" * 60_000)
    waits = asyncio.create_task(connection.outbox.room())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waits.done()
    while connection.reactor.writers:
        connection.reactor.write()
        connection.arrived()
    await asyncio.wait_for(waits, 10)


async def test_a_socket_that_is_lost_is_left_to_daphne(connection: Connection) -> None:
    connection.transport.socket.shutdown(socket.SHUT_RDWR)
    connection.outbox.push("nobody hears this")
    assert connection.reactor.writers == {connection.transport}


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        ("protocol", "_perMessageCompress", object()),
        ("transport", "TLS", True),
        ("transport", "connected", False),
        ("transport", "disconnecting", True),
    ],
)
async def test_what_is_not_a_plain_open_socket_goes_the_ordinary_way(
    of: str, name: str, value: object, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(connection.protocol, "serverSend", lambda text, binary: sent.append(text))
    monkeypatch.setattr(getattr(connection, of), name, value)
    connection.outbox.push("a")
    assert (sent, connection.arrived()) == (["a"], [])


async def test_a_socket_that_is_closing_is_sent_no_more(connection: Connection) -> None:
    connection.protocol.state = connection.protocol.STATE_CLOSING
    connection.outbox.push("too late")
    assert connection.outbox.closed
    assert connection.arrived() == []


async def test_another_twisted_is_written_to_the_ordinary_way(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(connection.protocol, "serverSend", lambda text, binary: sent.append(text))
    monkeypatch.delattr(connection.transport, "_tempDataBuffer")
    connection.outbox.push("a")
    assert sent == ["a"]
