"""Tests that the server gives up peers that are gone, or as good as gone, and does not keep data for them for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
import pytest

from testbed.cluster import Node
from testbed.followers import Follower, read_until
from testbed.servers import LOOPBACK
from testbed.serving import calendar_of, cookie_of, serving
from testbed.waiting import wait_until
from tests.faults.conftest import Connect

SILENCE_SECONDS: Final = 2
PATIENCE_SECONDS: Final = 10 * SILENCE_SECONDS
SILENT: Final = 4012
WINDOW: Final = timedelta(days=180)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Yield one process for all tests here, because none of them harms it."""
    with serving(tmp_path_factory.mktemp("half-open"), SILENCE_SECONDS=SILENCE_SECONDS) as node:
        yield node


def large_feed(client: httpx.Client) -> str:
    """Return the address of a feed that is larger than the kernel's buffers for a connection."""
    calendar, now = calendar_of(client)["id"], datetime.now(tz=UTC)
    window = httpx.QueryParams({"start": (now - WINDOW).isoformat(), "end": (now + WINDOW).isoformat()})
    address = f"/api/calendars/{calendar}/feed/?{window}"
    items = [item["id"] for item in client.get(address).json()]
    for at in range(0, len(items), 15):
        changes = {item: {"description": "字" * 20_000} for item in items[at : at + 15]}
        body = json.dumps({"changes": changes}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"}
        client.post(f"/api/calendars/{calendar}/items/edit/", content=body, headers=headers).raise_for_status()
    assert len(client.get(address).content) > 5_000_000
    return address


def test_who_takes_nothing_of_an_answer_is_cut_off(client: httpx.Client, connect: Connect) -> None:
    """To the kernel, a peer that is gone and a peer that no longer reads are the same.

    The request says `Connection: close`, as nginx does, because Twisted itself gives up a persistent connection some
    time after its answer. Seen failing without `_bound_silence`.
    """
    address = large_feed(client)
    peer = connect(receive_bytes=4_096)  # not before: a connection without a request is given up, too
    head = f"GET {address} HTTP/1.1\r\nHost: {LOOPBACK}\r\nConnection: close\r\n"
    peer.socket.sendall(f"{head}Cookie: {cookie_of(client)}\r\n\r\n".encode())
    assert peer.socket.recv(12) == b"HTTP/1.1 200"
    wait_until(lambda: not peer.is_open(), what="the end", timeout_seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "sent", [b"", b"GET /healthz HTT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"]
)
def test_a_request_that_does_not_come_is_not_waited_for(sent: bytes, connect: Connect) -> None:
    """Seen failing with Twisted's own limit, a minute."""
    peer = connect()
    peer.socket.sendall(sent)
    wait_until(lambda: not peer.is_open(), what="the end", timeout_seconds=PATIENCE_SECONDS)


def test_a_request_that_comes_byte_by_byte_is_not_waited_for(connect: Connect) -> None:
    """Seen failing with Twisted's own `resetTimeout`: the time began anew with each byte."""
    peer = connect()

    def has_ended() -> bool:
        try:
            peer.socket.sendall(b"x")
        except OSError:
            return True
        return not peer.is_open()

    peer.socket.sendall(b"GET /")
    wait_until(has_ended, what="the end", timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.2)


def test_a_socket_that_answers_pings_and_says_nothing_is_closed_with_4012(node: Node, client: httpx.Client) -> None:
    """Seen failing when `_beat` does not check for silence."""
    page = Follower(node.port, cookie=cookie_of(client), calendar=str(calendar_of(client)["id"]))
    with closing(page):
        read_until(lambda: page.closed, [page], what="the close", timeout_seconds=PATIENCE_SECONDS)
    assert page.closed == SILENT
