"""Measures what slow readers cost a process and other readers: `python -m tests.faults.slow_readers`.

One socket never reads, another reads 1 kB a second, and both come back whenever they are cut off. Ordinary sockets
follow the same stream of changes. Blocks with and without the slow readers alternate in one run. The process tidies up
before its memory is measured, because the memory that Python and the allocator have not given back yet is more than
what waits for the readers, and differs each time.
"""

from __future__ import annotations

import argparse
import select
import signal
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from project.ready import is_ready
from testbed.cluster import Node
from testbed.followers import Follower, read_until
from testbed.serving import calendar_of, cookie_of, serving, sign_in
from testbed.websocket import TEXT

_ITEMS: Final = 6
_DESCRIPTION: Final = 20_000  # characters, so that a change is a frame of about 121 kB
_TRICKLE_BYTES: Final = 1_024
_RECEIVE_BYTES: Final = 4_096
_LOOK_EVERY: Final = 6  # changes between two measurements of the memory
TIDY: Final = "tests.faults.tidy_asgi:application"
# A few times what may wait for two slow readers, because much of it is copied on its way. Without the bound, it was
# 22 MB.
GROWTH_BYTES: Final = 12_000_000
SLOWER: Final = 1.5
_NEW_STATE: Final = b'"newState":"'


@dataclass(slots=True)
class Figures:
    """The result of one run: milliseconds from the request to each ordinary socket, bytes of the process's memory."""

    without: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    offered_bytes: int = 0
    waiting_bytes: int = 0  # at most, for one socket
    growth_bytes: int = 0
    closed_too_slow: int = 0
    ends: list[int] = field(default_factory=list)
    caught_up: bool = False

    def table(self) -> str:
        lines = ["| ms from the request to a socket | p50 | p99 | worst |", "| --- | --- | --- | --- |"]
        for name, figures in (("without slow readers", self.without), ("beside two slow readers", self.beside)):
            lines.append(f"| {name} | {quantile(figures, 50):.1f} | {quantile(figures, 99):.1f} | {max(figures):.1f} |")
        return "\n".join(
            [
                *lines,
                "",
                f"Offered to each slow reader: {self.offered_bytes / 1e6:.0f} MB; waiting for one: at most "
                f"{self.waiting_bytes / 1e6:.1f} MB. Closed as too slow: {self.closed_too_slow}, as the client saw it: "
                f"{sorted(set(self.ends))}. Both caught up: {self.caught_up}.",
                f"Memory of the process: {self.growth_bytes / 1e6:+.1f} MB, at most {GROWTH_BYTES / 1e6:.0f}: "
                f"{_kept(self.growth_bytes <= GROWTH_BYTES)}. The median at most {SLOWER} times as long: "
                f"{_kept(quantile(self.beside, 50) <= SLOWER * quantile(self.without, 50))}.",
            ]
        )


def _kept(kept: bool) -> str:
    return "kept" if kept else "NOT kept"


def quantile(figures: list[float], percent: int) -> float:
    """Return a percentile."""
    return statistics.quantiles(figures, n=100)[percent - 1]


class Listener(Follower):
    """An ordinary socket that notes when it hears of a state, and spends no time on the changes themselves."""

    def _take(self, opcode: int, payload: bytes) -> None:
        if self.state and opcode == TEXT and payload.startswith(b'{"type":"changes"'):
            at = payload.index(_NEW_STATE) + len(_NEW_STATE)
            self.heard_at[payload[at : payload.index(b'"', at)].decode()] = time.perf_counter()
        else:
            super()._take(opcode, payload)


class Stream:
    """Changes of one calendar, and the ordinary sockets that follow them."""

    def __init__(self, node: Node, *, ordinary: int) -> None:
        self.node = node
        self.client = sign_in(node.url)
        self.calendar = str(calendar_of(self.client)["id"])
        self._path = f"/api/calendars/{self.calendar}/items/"
        self._cookie = cookie_of(self.client)
        self._start = datetime.now(tz=UTC).replace(microsecond=0)
        self._items = [self._create(number) for number in range(_ITEMS)]
        self.ordinary = [self.follower(Listener) for _ in range(ordinary)]
        for one in self.ordinary:
            one.follow()

    def _create(self, number: int) -> str:
        name = f"00000000-0000-4000-8000-{number:012}"
        end = self._start + timedelta(hours=1)
        body = {"title": "Busy", "start": self._start.isoformat(), "end": end.isoformat(), "allDay": False}
        self.client.put(f"{self._path}{name}/", json=body).raise_for_status()
        return name

    def follower(
        self, kind: type[Follower] = Follower, *, receive_bytes: int | None = None, port: int = 0, tls: bool = False
    ) -> Follower:
        """Return a new socket, to the node's own port unless another port of the process is given."""
        asked = port or self.node.port
        return kind(asked, cookie=self._cookie, calendar=self.calendar, receive_bytes=receive_bytes, tls=tls)

    def feed(self, *, min_revision: int = 0) -> dict[str, str]:
        """Return the states of a year's items, by id."""
        window: dict[str, str | int] = {
            "start": (self._start - timedelta(days=180)).isoformat(),
            "end": (self._start + timedelta(days=180)).isoformat(),
            "min_revision": min_revision,
        }
        answer = self.client.get(f"/api/calendars/{self.calendar}/feed/", params=window).raise_for_status()
        return {item["id"]: item["state"] for item in answer.json()}

    def load(self, one: Follower) -> None:
        """Make a follower start anew: it subscribes, then reads the feed."""
        one.forget()
        one.follow()
        assert one.state
        one.items = self.feed(min_revision=int(one.state.partition(".")[0])) | one.items

    def change(self, number: int) -> tuple[str, list[float], int]:
        """Change the items in one change set.

        Return its state, the milliseconds to each ordinary socket, and its approximate size in bytes.
        """
        text = f"{number} ".ljust(_DESCRIPTION, "x")
        body = {"changes": {item: {"description": text} for item in self._items}}
        sent_at = time.perf_counter()
        state = str(self.client.post(f"{self._path}edit/", json=body).raise_for_status().json()["state"])
        read_until(lambda: all(state in one.heard_at for one in self.ordinary), self.ordinary, what="the change")
        return state, [(one.heard_at.pop(state) - sent_at) * 1_000 for one in self.ordinary], _ITEMS * _DESCRIPTION

    def close(self) -> None:
        for one in self.ordinary:
            one.close()
        self.client.close()


class Slow:
    """A page that reads a number of bytes a second, and comes back with its picture when it is cut off."""

    def __init__(self, stream: Stream, *, bytes_per_second: int) -> None:
        self._stream = stream
        self._rate = bytes_per_second
        self.ends: list[int] = []
        self.socket = stream.follower(receive_bytes=_RECEIVE_BYTES)
        stream.load(self.socket)
        self._read_at = time.perf_counter()

    def read(self) -> None:
        """Read the bytes that the rate allows by now. If the socket was cut off, read the rest and come back."""
        allowed = int((time.perf_counter() - self._read_at) * self._rate)
        if allowed > 0:
            self._read_at = time.perf_counter()
            self.socket.read(allowed)
        if self.socket.closed is not None or hung_up(self.socket):
            self._come_back()
            self.socket.subscribe()

    def catch_up(self, state: str) -> None:
        """Come back on a fast connection, and read until the picture is at a state."""
        self.socket.close()
        self._come_back(None)
        if self.socket.state is None:  # it has read a reset
            self._stream.load(self.socket)
        else:
            self.socket.subscribe()
        read_until(lambda: self._is_at(state), [self.socket], what="the slow one to catch up")

    def _is_at(self, state: str) -> bool:
        if "reset" in self.socket.frames:
            self.socket.frames.remove("reset")
            self._stream.load(self.socket)
        return self.socket.state == state

    def _come_back(self, receive_bytes: int | None = _RECEIVE_BYTES) -> None:
        gone = self.socket
        while gone.closed is None and gone.socket.fileno() >= 0:
            gone.read()
        if gone.closed is not None:
            self.ends.append(gone.closed)
        gone.close()
        self.socket = self._stream.follower(receive_bytes=receive_bytes)
        self.socket.continue_from(gone)


def held_bytes(node: Node) -> int:
    """Return the memory that a process of TIDY holds after it has tidied up, in bytes."""
    node.signal(signal.SIGUSR2)
    assert is_ready(node.port)  # the thread that tidies up answers afterwards
    return node.resident_bytes()


def hung_up(one: Follower) -> bool:
    """Return whether the server has cut a connection, without reading from it."""
    poll = select.poll()
    poll.register(one.socket, 0)
    return bool(poll.poll(0))


@contextmanager
def stream_of(node: Node, *, ordinary: int) -> Iterator[Stream]:
    stream = Stream(node, ordinary=ordinary)
    try:
        yield stream
    finally:
        stream.close()


def two_slow(stream: Stream) -> list[Slow]:
    return [Slow(stream, bytes_per_second=0), Slow(stream, bytes_per_second=_TRICKLE_BYTES)]


def outrun(stream: Stream, slow: list[Slow], numbers: Iterable[int], figures: Figures) -> int:
    """Change items faster than the slow readers read, then let these catch up. Add to the figures.

    Return the most memory that the process held, in bytes.
    """
    state, held = "", 0
    for number in numbers:
        state, milliseconds, size = stream.change(number)
        figures.beside += milliseconds
        figures.offered_bytes += size
        figures.waiting_bytes = max(figures.waiting_bytes, int(stream.node.metrics()["tests_waiting_bytes"]))
        if number % _LOOK_EVERY == 0:
            held = max(held, held_bytes(stream.node))
        for one in slow:
            one.read()
    for one in slow:
        one.catch_up(state)
        one.socket.close()
    figures.closed_too_slow = int(stream.node.metrics()["calendar_live_slow_sockets_total"])
    figures.ends = [end for one in slow for end in one.ends]
    feed = stream.feed()
    figures.caught_up = all(one.socket.items == feed and one.socket.state == state for one in slow)
    return held


def measure(node: Node, *, ordinary: int = 50, blocks: int = 2, changes: int = 180) -> Figures:
    """Return the figures of a number of blocks of changes with slow readers, and as many without."""
    figures = Figures()
    numbers = iter(range(1_000_000))
    with stream_of(node, ordinary=ordinary) as stream:
        slow = two_slow(stream)
        for one in slow:
            one.socket.close()
        for number in islice(numbers, changes // 2):  # for what a process allocates only once
            stream.change(number)
        for _ in range(blocks):
            state, quiet = "", held_bytes(node)
            for number in islice(numbers, changes):
                state, milliseconds, _ = stream.change(number)
                figures.without += milliseconds
                if number % _LOOK_EVERY == 0:
                    quiet = max(quiet, held_bytes(node))
            for one in slow:
                one.catch_up(state)
            held = outrun(stream, slow, islice(numbers, changes), figures)
            figures.growth_bytes = max(figures.growth_bytes, held - quiet)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--changes", type=int, default=250, help="in each block")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), application=TIDY) as node:
        print(measure(node, blocks=asked.blocks, changes=asked.changes).table())


if __name__ == "__main__":
    main()
