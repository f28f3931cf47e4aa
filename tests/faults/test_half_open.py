"""Peers that are gone, or as good as gone, are given up after a while: what they were owed is not kept for ever."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.cluster import Node
from tests.faults.followers import Follower, read_until
from tests.faults.serving import calendar_of, connections_to, cookie_of, serving, sign_in
from tests.servers import LOOPBACK
from tests.waiting import wait_until

SILENCE_SECONDS: Final = 2
PATIENCE_SECONDS: Final = 10 * SILENCE_SECONDS
SILENT: Final = 4012
WINDOW: Final = timedelta(days=180)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with serving(tmp_path, SILENCE_SECONDS=SILENCE_SECONDS) as node:
        yield node


@pytest.fixture
def client(node: Node) -> Iterator[httpx.Client]:
    with closing(sign_in(node.url)) as client:
        yield client


@pytest.fixture
def peer(node: Node) -> Iterator[socket.socket]:
    """Return a connection of which the kernel keeps little that is not read."""
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.connect((LOOPBACK, node.port))
        yield peer


def is_open(node: Node, peer: socket.socket) -> bool:
    return peer.getsockname()[1] in connections_to(node)


def large_feed(client: httpx.Client) -> str:
    """Return the address of a feed of more bytes than kernels keep for a connection."""
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


def test_who_takes_nothing_of_an_answer_is_cut_off(node: Node, client: httpx.Client, peer: socket.socket) -> None:
    """To the kernel a peer that is gone and one that reads no more are the same. Seen failing without `_bound_silence`."""
    address = large_feed(client)
    peer.sendall(f"GET {address} HTTP/1.1\r\nHost: {LOOPBACK}\r\nCookie: {cookie_of(client)}\r\n\r\n".encode())
    wait_until(lambda: not is_open(node, peer), what="the end", timeout_seconds=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    "sent", [b"", b"GET /healthz HTT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"]
)
def test_a_request_that_does_not_come_is_not_waited_for(sent: bytes, node: Node, peer: socket.socket) -> None:
    """Seen failing with Twisted's own time, a minute."""
    peer.sendall(sent)
    wait_until(lambda: not is_open(node, peer), what="the end", timeout_seconds=PATIENCE_SECONDS)


def test_a_request_that_comes_byte_by_byte_is_not_waited_for(node: Node, peer: socket.socket) -> None:
    """Seen failing with `resetTimeout` as Twisted has it: each byte would buy the time anew."""

    def has_ended() -> bool:
        try:
            peer.sendall(b"x")
        except OSError:
            return True
        return not is_open(node, peer)

    peer.sendall(b"GET /")
    wait_until(has_ended, what="the end", timeout_seconds=PATIENCE_SECONDS, interval_seconds=0.2)


def test_a_socket_that_answers_pings_and_says_nothing_is_closed_with_4012(node: Node, client: httpx.Client) -> None:
    """Seen failing without the look at the silence in `_beat`."""
    page = Follower(node.port, cookie=cookie_of(client), calendar=str(calendar_of(client)["id"]))
    with closing(page):
        read_until(lambda: page.closed, [page], what="the close", timeout_seconds=PATIENCE_SECONDS)
    assert page.closed == SILENT
