"""Takes Redis away under writes for a while, in one of several ways, and measures what that costs.

Usage: `python -m tests.faults.redis_dead --seconds 60`.
"""

from __future__ import annotations

import argparse
import math
import signal
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from calendar_live import conf
from testbed.cluster import Cluster
from testbed.servers import LOOPBACK, Redis
from testbed.serving import sign_in
from testbed.waiting import wait_until
from tests.faults.load import Written, pass_seconds, writers
from tests.faults.pages import BOUND_SECONDS, Page, await_right, of_each_kind, opened
from tests.faults.people import Program, sign_in_all

QUIET_SECONDS: Final = 1.5  # longer than the second between two head checks
PAUSE_SECONDS: Final = float(str(conf.DEFAULTS["BROADCAST_PAUSE_SECONDS"]))
PROMISED_SECONDS: Final = 1.5  # docs/protocol.md, invariant 5
FAILED: Final = 'calendar_live_broadcasts_total{result="failed"}'
MISSED: Final = "calendar_live_missed_broadcasts_total"
PHASES: Final = ("before", "away", "after")

Way = Callable[[Redis], AbstractContextManager[None]]


@contextmanager
def killed(redis: Redis) -> Iterator[None]:
    """Kill Redis for as long as the context lasts: nothing listens at its port."""
    redis.kill()
    try:
        yield
    finally:
        redis.start()


@contextmanager
def stopped(redis: Redis) -> Iterator[None]:
    """Stop Redis for as long as the context lasts: it accepts connections and bytes, and answers nothing."""
    redis.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        redis.signal(signal.SIGCONT)


class _Nonsense(socketserver.BaseRequestHandler):
    """Gives the answers of a Redis that is starting, of one that is full, and of servers that are not Redis."""

    ANSWERS: Final = (
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*-5\r\n$99999\r\n" + bytes(range(256)),
    )

    def handle(self) -> None:
        turn = id(self)  # each connection begins with another answer
        try:
            while self.request.recv(65536):
                turn += 1
                self.request.sendall(self.ANSWERS[turn % len(self.ANSWERS)])
        except OSError:
            pass


class _NonsenseServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


@contextmanager
def talking_nonsense(redis: Redis) -> Iterator[None]:
    """Replace Redis, for as long as the context lasts, by a server that is not Redis, or is one that cannot serve."""
    redis.kill()
    try:
        with _NonsenseServer((LOOPBACK, redis.port), _Nonsense) as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield
            server.shutdown()
    finally:
        redis.start()


WAYS: Final[dict[str, Way]] = {"killed": killed, "stopped": stopped, "talking nonsense": talking_nonsense}


@dataclass(frozen=True)
class Outcome:
    """The cost: the time of a write by phase (median and 99th percentile, ms), and the worst staleness by phase (s).

    `paid` counts the broadcasts that failed while a write waited for them; `may_pay` is how many the pauses between
    them allow.
    """

    way: str
    writes: int
    refused: list[Written]
    milliseconds: dict[str, tuple[float, float]]
    stale_seconds: dict[str, float]
    opened_seconds: float
    missed_after: float
    paid: int
    may_pay: int

    def __str__(self) -> str:
        lines = [f"Redis {self.way}: {self.writes} writes, {len(self.refused)} refused."]
        for phase, (median, high) in self.milliseconds.items():
            lines.append(
                f"  {phase:<6}  a write takes {median:.0f} ms (median), {high:.0f} ms (p99); "
                f"worst staleness {self.stale_seconds[phase]:.2f} s"
            )
        lines.append(f"  Pages opened meanwhile were right after {self.opened_seconds:.2f} s.")
        lines.append(
            f"  Broadcasts tried in vain meanwhile: {self.paid}. Missed once it was back: {self.missed_after:.0f}."
        )
        worst = max(self.opened_seconds, *self.stale_seconds.values())
        kept = "kept" if worst <= PROMISED_SECONDS else "NOT kept"
        lines.append(f"  Promised to every page within {PROMISED_SECONDS} s: {kept}.")
        return "\n".join(lines)


def redis_away(cluster: Cluster, sessions: dict[str, str], *, seconds: float, way: str = "killed") -> Outcome:
    """Take Redis away under writes for some seconds. Return the cost.

    Raises if anybody sees an error, or if a page hears anything but the chain.
    """
    assert cluster.redis
    with ExitStack() as stack:
        at_node = [stack.enter_context(Program(node.url, sessions["ana"])) for node in cluster.nodes]
        observer = stack.enter_context(Program(cluster.url, sessions["ana"]))
        calendar = observer.create_calendar()
        pages = stack.enter_context(opened(of_each_kind(at_node, calendar)))
        await_right(pages, observer, what="at the start")
        with writers(at_node, calendar) as load:
            pass_seconds(QUIET_SECONDS, lambda: _check(observer, calendar, pages))
            load.phase = "away"
            failed = _count(cluster, FAILED)
            started = time.monotonic()
            with WAYS[way](cluster.redis):
                late = stack.enter_context(opened(of_each_kind(at_node, calendar)))
                _await_live(late)
                opened_at = time.monotonic()
                sign_in(cluster.url, name="ben").close()
                pass_seconds(seconds, lambda: _check(observer, calendar, [*pages, *late]))
                _await_heard(load.of("away"), [*pages, *late])
                paid = int(_count(cluster, FAILED) - failed)
                pauses = (time.monotonic() - started) / PAUSE_SECONDS
            load.phase = "back"
            _await_broadcasts(cluster, observer, calendar, pages)
            load.phase = "after"
            missed = _count(cluster, MISSED)
            pass_seconds(QUIET_SECONDS, lambda: _check(observer, calendar, [*pages, *late]))
            missed_after = _count(cluster, MISSED) - missed
        await_right([*pages, *late], observer, what="when Redis was back")
        assert [page.losses for page in [*pages, *late]] == [0] * (len(pages) + len(late)), "a page lost its connection"
        assert [page.view.resets for page in pages if page.view.resets] == []
        stale = {phase: load.staleness_seconds(phase, pages) for phase in PHASES}
        stale["away"] = max(stale["away"], load.staleness_seconds("away", late, after=opened_at))
        times = {phase: load.milliseconds(phase) for phase in PHASES}
        opened_seconds, may_pay = opened_at - started, len(at_node) * (1 + math.floor(pauses))
        return Outcome(way, len(load.writes), load.refused(), times, stale, opened_seconds, missed_after, paid, may_pay)


def _await_live(pages: Sequence[Page]) -> None:
    def all_live() -> bool:
        for page in pages:
            page.check()
        return all(page.view.live for page in pages)

    wait_until(
        all_live,
        what="pages to open without Redis",
        timeout_seconds=BOUND_SECONDS,
    )


def _await_heard(writes: Sequence[Written], pages: Sequence[Page]) -> None:
    """Wait until every page has heard of these writes. Call this before Redis is back: they must hear without it."""
    wait_until(
        lambda: all(one.item in page.view.heard_at for one in writes for page in pages),
        what="pages to hear without Redis",
        timeout_seconds=BOUND_SECONDS,
    )


def _check(observer: Program, calendar: str, pages: Sequence[Page]) -> None:
    assert observer.feed(calendar).status_code == 200
    for page in pages:
        page.check()


def _await_broadcasts(cluster: Cluster, observer: Program, calendar: str, pages: Sequence[Page]) -> None:
    """Wait until broadcasts bring a change to every process, and no process finds a change by its head check."""

    def is_broadcast() -> bool:
        missed, item = _count(cluster, MISSED), str(uuid4())
        observer.put(calendar, "is it broadcast?", item=item).raise_for_status()
        wait_until(
            lambda: all(item in page.view.heard_at for page in pages), what="it", timeout_seconds=10 * PROMISED_SECONDS
        )
        return _count(cluster, MISSED) == missed

    wait_until(is_broadcast, what="broadcasts to be heard again", timeout_seconds=60)


def _count(cluster: Cluster, name: str) -> float:
    return sum(node.metrics().get(name, 0) for node in cluster.nodes)


def main(arguments: Sequence[str]) -> int:
    """Take the Redis of a new cluster away in each way, and print the cost."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.redis_dead", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--way", choices=sorted(WAYS), action="append")
    told = parser.parse_args(arguments)
    with Cluster(nodes=2) as cluster:
        cluster.manage("seed_demo")
        sessions = sign_in_all(cluster)
        for way in told.way or WAYS:
            print(redis_away(cluster, sessions, seconds=told.seconds, way=way), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
