"""Tests that slow readers cost a process bounded memory and other readers nothing, and are right when they return."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from testbed.cluster import Node
from testbed.followers import ABORTED, Follower, read_until
from testbed.servers import LOOPBACK, free_port
from testbed.serving import SERVER, STOCK, connections_to, serving
from testbed.waiting import wait_until
from testbed.websocket import PING, masked
from tests.deploy.production import certificate
from tests.faults.slow_readers import TIDY, Figures, hung_up, outrun, stream_of, two_slow

TOO_SLOW: Final = 4008
MAX_BACKLOG_BYTES: Final = 1_000_000
FRAME_HEADS_BYTES: Final = 1_000  # for all frames that wait
LOOK_SECONDS: Final = (
    2  # between two calls of daphne's `timeout_checker`; a heartbeat would end a socket, too, but later
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Yield a process that ends no socket because of its silence."""
    with serving(tmp_path, application=TIDY, HEARTBEAT_SECONDS=3_600, SILENCE_SECONDS=3_600) as node:
        yield node


def test_two_slow_readers_cost_little_memory_and_nobody_else_anything(node: Node) -> None:
    """Invariant 10: their backlog is bounded, and the others hear of each change.

    `python -m tests.faults.slow_readers` measures the memory. Seen failing with a `MAX_BACKLOG_BYTES` of a hundred
    megabytes.
    """
    figures = Figures()
    with stream_of(node, ordinary=20) as stream:
        outrun(stream, two_slow(stream), range(120), figures)
    assert figures.offered_bytes > 10 * MAX_BACKLOG_BYTES, "kept for them, it would be noticed"
    assert MAX_BACKLOG_BYTES / 2 < figures.waiting_bytes <= MAX_BACKLOG_BYTES + FRAME_HEADS_BYTES
    assert figures.closed_too_slow >= 2
    assert set(figures.ends) <= {TOO_SLOW, ABORTED}
    assert figures.caught_up


@pytest.mark.parametrize("kind", ["stock", "tls"])
def test_who_never_reads_is_closed_also_by_stock_daphne_and_behind_tls(kind: str, tmp_path: Path) -> None:
    """Invariant 10. Seen failing with a `MAX_BACKLOG_BYTES` of a hundred megabytes."""
    secure, plain = free_port(), free_port()
    chain, key = certificate(tmp_path)
    options: tuple[str, ...] = ("--bind", LOOPBACK, "--port", str(plain))
    if kind == "tls":
        options += ("-e", f"ssl:{secure}:interface={LOOPBACK}:privateKey={key}:certKey={chain}")
    program = STOCK if kind == "stock" else SERVER
    with serving(tmp_path, program=program, options=options, port=plain) as node, stream_of(node, ordinary=1) as stream:
        port = secure if kind == "tls" else plain
        never = stream.follower(receive_bytes=4_096, port=port, tls=kind == "tls")
        with closing(never):
            stream.load(never)
            for number in range(200):
                stream.change(number)
                if hung_up(never):
                    break
            wait_until(lambda: hung_up(never), what="the end of the socket")
        assert node.metrics()["calendar_live_slow_sockets_total"] == 1


def test_who_asks_for_pongs_and_never_reads_them_is_cut_off(node: Node) -> None:
    """Invariant 10: autobahn writes pongs without the consumer. Seen failing without the check in `timeout_checker`."""
    with stream_of(node, ordinary=1) as stream, closing(stream.follower(receive_bytes=4_096)) as flood:
        read_until(lambda: "hello" in flood.frames, [flood], what="hello")
        pings = masked(PING, b"x" * 125) * 1_000
        flood.socket.settimeout(1)
        sent = 0

        def is_cut() -> bool:
            nonlocal sent
            try:
                sent += flood.socket.send(pings[sent % len(pings) :])  # half a frame would end it, too
            except TimeoutError:
                pass
            except OSError:
                return True
            return flood.port not in connections_to(node)

        wait_until(is_cut, what="the end of the flood", timeout_seconds=10 * LOOK_SECONDS)
        assert sent > 1_000_000


def test_who_comes_back_reads_on_from_where_it_was(node: Node) -> None:
    """The page returns by a replay, not by a reset. Seen failing with a hub that resets pages that missed a change."""
    with stream_of(node, ordinary=1) as stream, closing(stream.follower()) as page:
        stream.load(page)
        stream.change(1)
        read_until(lambda: "changes" in page.frames, [page], what="the change")
        page.close()
        state, _, _ = stream.change(2)
        back: Follower = stream.follower()
        with closing(back):
            back.continue_from(page)
            back.subscribe()
            read_until(lambda: back.state == state, [back], what="the replay")
            assert "reset" not in back.frames
            assert back.items == stream.feed()
