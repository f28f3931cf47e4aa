"""Tests the outbox of a socket: it keeps the order, bounds the backlog, and writes to the installed daphne directly."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import pytest
from daphne.server import Server

from calendar_live.live.outbox import TOO_SLOW, Outbox, _never_suspends
from testbed.waiting import until


class Reader:
    """The other end of an ASGI `send`. It reads only while its gate is open."""

    def __init__(self, *, reads: bool = True) -> None:
        self.messages: list[dict[str, Any]] = []
        self.gate = asyncio.Event()
        if reads:
            self.gate.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.gate.wait()
        self.messages.append(message)

    @property
    def said(self) -> list[object]:
        return [message.get("text", message.get("code")) for message in self.messages]


async def test_frames_and_the_close_arrive_in_order() -> None:
    reader = Reader()
    outbox = Outbox(reader.send, max_bytes=1_000)
    for number in range(50):
        outbox.push(str(number))
    outbox.close(4001)
    outbox.push("too late")
    outbox.close(4400)
    await until(lambda: len(reader.messages) == 51, what="all to be written")
    assert reader.said == [*map(str, range(50)), 4001]


async def test_what_waits_for_a_slow_reader_is_bounded_and_then_it_is_closed_with_4008() -> None:
    """Invariant 10. Fails when the outbox does not count the bytes that wait: they grow until the process dies."""
    reader = Reader(reads=False)
    outbox = Outbox(reader.send, max_bytes=100)
    for _ in range(1_000):
        outbox.push("x" * 10)
        assert sum(len(message.get("text", "")) for message, _ in outbox._backlog) <= 100
    assert outbox.closed
    reader.gate.set()
    await until(lambda: TOO_SLOW in reader.said, what="the close")
    assert len(reader.messages) <= 12


async def test_a_reader_that_keeps_up_is_never_closed_however_much_it_reads() -> None:
    reader = Reader()
    outbox = Outbox(reader.send, max_bytes=100)
    for number in range(100):
        outbox.push("x" * 60)
        await until(
            lambda number=number: len(reader.messages) == number + 1,  # type: ignore[misc]
            what="it to be read",
        )
    assert not outbox.closed


async def test_a_frame_larger_than_the_bound_closes() -> None:
    reader = Reader()
    outbox = Outbox(reader.send, max_bytes=100)
    outbox.push("x" * 101)
    await until(lambda: reader.messages, what="the close")
    assert reader.said == [TOO_SLOW]


async def test_the_bound_is_of_bytes_whatever_is_written() -> None:
    """Invariant 10. Fails when the outbox counts characters, most of which take more than one byte."""
    reader = Reader(reads=False)
    outbox = Outbox(reader.send, max_bytes=100)
    outbox.push("字" * 34)
    assert outbox.closed


async def test_an_abandoned_outbox_writes_no_more() -> None:
    reader = Reader(reads=False)
    outbox = Outbox(reader.send, max_bytes=100)
    outbox.push("a")
    await asyncio.sleep(0)
    outbox.abandon()
    outbox.push("b")
    reader.gate.set()
    await asyncio.sleep(0)
    assert reader.messages == []
    assert outbox._writer is not None
    assert outbox._writer.cancelled() or outbox._writer.cancelling()


async def test_a_socket_that_breaks_is_closed_and_raises_to_nobody() -> None:
    async def broken(message: dict[str, Any]) -> None:
        raise ConnectionError

    outbox = Outbox(broken, max_bytes=100)
    outbox.push("a")
    await until(lambda: outbox.closed, what="it to be noticed")
    outbox.push("b")


# --- daphne ----------------------------------------------------------------------------------------------------------


class Protocol:
    """A stand-in for the protocol on which daphne's server calls `handle_reply` to write to a connection."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.broken = False

    def handle_reply(self, message: dict[str, Any]) -> None:
        if self.broken:
            raise ConnectionError
        self.messages.append(message)


async def daphnes_send(protocol: Protocol) -> Any:
    """Return the `send` that the installed daphne gives an application for a connection."""
    given: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        given.append(send)

    server = Server(application, endpoints=["tcp:0"])
    server.connections = {protocol: {}}
    server.create_application(protocol, {"type": "websocket"})
    await server.connections[protocol]["application_instance"]
    return given[0]


async def test_the_installed_daphne_is_written_to_straight() -> None:
    """Fails when an upgrade of daphne changes its `send`: check `_never_suspends` before you deploy the upgrade."""
    protocol = Protocol()
    send = await daphnes_send(protocol)
    assert _never_suspends(send)
    outbox = Outbox(send, max_bytes=100)
    outbox.push("first")
    outbox.push("second")
    outbox.close(4001)
    assert [message["type"] for message in protocol.messages] == ["websocket.send", "websocket.send", "websocket.close"]
    assert outbox._writer is None, "without a task of its own"


async def test_daphnes_send_does_not_suspend() -> None:
    send = await daphnes_send(Protocol())
    step = send({"type": "websocket.send", "text": "a"})
    with pytest.raises(StopIteration):
        step.send(None)


async def test_a_daphne_socket_that_breaks_is_closed_and_raises_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "calendar_live.live.outbox")
    protocol = Protocol()
    protocol.broken = True
    outbox = Outbox(await daphnes_send(protocol), max_bytes=100)
    outbox.push("a")
    assert outbox.closed
    assert "A socket broke" in caplog.text


@pytest.mark.parametrize(
    "send",
    [
        print,
        partial(print),
        partial(type("other", (), {"__module__": "daphne.server"})),
    ],
    ids=["function", "partial", "another of daphne's"],
)
def test_any_other_send_gets_a_queue(send: Any) -> None:
    assert not _never_suspends(send)


async def test_a_send_that_is_taken_for_daphnes_and_suspends_is_an_error_that_says_so() -> None:
    async def handle_reply(message: dict[str, Any]) -> None:
        await asyncio.sleep(0)

    handle_reply.__module__ = "daphne.server"
    outbox = Outbox(partial(handle_reply), max_bytes=100)
    with pytest.raises(RuntimeError, match="_never_suspends"):
        outbox.push("a")
