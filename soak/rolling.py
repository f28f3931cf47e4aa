"""Carries out a rolling restart under open pages and writers: SIGTERM and a new start for one process after another."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from testbed.cluster import Cluster
from testbed.farm import Farm, now_ms
from testbed.waiting import wait_until

from . import complaints
from .book import Book, faults_in_log, read_log
from .run import SETTLE_SECONDS, Pump, fill, pages
from .world import World
from .writers import Writers

PEOPLE: Final = 24  # so many that each has at most 50 sockets, even when one process has all of them
# The goal for a restart. A slow machine may miss it, so a miss is only reported. It is wrong if a client is not back
# after ten times as long.
BACK_SECONDS: Final = 10
# Also a goal: clients are spread, so that at most this share of the clients of one process comes back in any second.
MOST_IN_A_SECOND: Final = 0.6
_WRITES_BEFORE: Final = 20


@dataclass(slots=True)
class Restart:
    """The restart of one process: the time it took to end and to be ready, and the clients that left and came back."""

    exit_code: int
    end_seconds: float
    ready_seconds: float
    returns: list[dict[str, float]] = field(default_factory=list)
    started_ms: float = 0
    # Processor time that the other processes used during the restart, for the pages that came to them.
    others_seconds: float = 0


@dataclass(slots=True)
class Rolling:
    """The result. The run has failed if `wrong` is not empty; `missed` lists goals that this machine did not reach."""

    clients: int
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    restarts: list[Restart] = field(default_factory=list)
    feeds_after: int = 0
    writes: int = 0
    retried: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    farm: dict[str, Any] = field(default_factory=dict)


def roll(
    *, clients: int, seed: int, per_second: float = 5, items: int = 100, say: Callable[[str], None] = print
) -> Rolling:
    """Restart every process under `clients` pages. Return the result."""
    outcome = Rolling(clients)
    with tempfile.TemporaryDirectory(prefix="calendar-rolling-") as folder, Cluster(nodes=2, debug=False) as cluster:
        cast = fill(cluster, people=PEOPLE, items=items)
        with Farm(cluster.url, log=Path(folder) / "farm.log") as farm:
            farm.open(pages(cast, count=clients))
            farm.await_whole(timeout_seconds=120)
            say(f"{clients} clients are there: {farm.status()['over']}")
            book = Book()
            writing = Writers(
                cast.members[:6], site=cluster.url, world=World(cast), book=book, per_second=per_second, seed=seed
            )
            with Pump(farm, book), writing as writers:
                _restart_all(cluster, farm, outcome, book, say)
                writers.pause()
                farm.acknowledged(book.take_news())
                found = farm.compare(timeout_seconds=SETTLE_SECONDS)
            outcome.wrong += [f"{one['client']} in {one['calendar']} {one['what']}" for one in found.differences]
            outcome.wrong += [f"a writer failed: {one}" for one in writers.errors]
            outcome.wrong += [f"invariant {one['rule']}: {one.get('detail')}" for one in farm.violations]
            outcome.wrong += [f"a page complained: {one['detail']}" for one in farm.complaints]
            outcome.farm = farm.stats()
        mutations = book.mutations()
        outcome.writes, outcome.retried = len(mutations), sum(one.attempts > 1 for one in mutations)
        outcome.failures = dict(book.failures)
        outcome.wrong += faults_in_log(mutations, read_log(cluster.postgres.url))
        found_in_logs = complaints.unexplained(node.log() for node in cluster.nodes)
        outcome.wrong += [f"{count} tracebacks: {end}\n{first}" for end, (count, first) in found_in_logs.items()]
    _judge(outcome)
    return outcome


def _restart_all(cluster: Cluster, farm: Farm, outcome: Rolling, book: Book, say: Callable[[str], None]) -> None:
    wait_until(lambda: len(book.mutations()) > _WRITES_BEFORE, what="writes", timeout_seconds=60)
    feeds_before = len(farm.stats()["feeds"])
    for node in cluster.nodes:
        started_ms, since = now_ms(), time.monotonic()
        others = [one for one in cluster.nodes if one is not node]
        used = sum(one.cpu_seconds() for one in others)
        farm.fault("rolling restart", start_ms=started_ms)
        code = node.stop(signal.SIGTERM)
        ended = time.monotonic() - since
        node.start()
        ready = time.monotonic() - since
        try:
            farm.await_whole(timeout_seconds=10 * BACK_SECONDS)
        except TimeoutError:
            outcome.wrong.append(f"not all are back: {farm.status()}")
        farm.fault("rolling restart", start_ms=started_ms, end_ms=now_ms())
        restart = Restart(code, ended, ready, started_ms=started_ms)
        restart.others_seconds = sum(one.cpu_seconds() for one in others) - used
        restart.returns = [one for one in farm.stats()["returns"] if one["leftAt"] >= started_ms]
        outcome.restarts.append(restart)
        say(f"  ended with {code} after {ended:.1f} s, ready after {ready:.1f} s, {len(restart.returns)} came back")
    outcome.feeds_after = len(farm.stats()["feeds"]) - feeds_before


def _judge(outcome: Rolling) -> None:
    for restart in outcome.restarts:
        if restart.exit_code:
            outcome.wrong.append(f"a process ended with {restart.exit_code}")
        late = [one for one in restart.returns if one["backAt"] > restart.started_ms + 1000 * BACK_SECONDS]
        if late:
            outcome.missed.append(f"{len(late)} clients were not back within {BACK_SECONDS} s")
        crowd = max(in_seconds(restart), default=0)
        if crowd > MOST_IN_A_SECOND * max(len(restart.returns), 1):
            outcome.missed.append(f"{crowd} of {len(restart.returns)} clients came back within one second")
    if outcome.feeds_after:
        outcome.wrong.append(f"{outcome.feeds_after} feeds were asked for")


def in_seconds(restart: Restart) -> list[int]:
    """Return how many clients came back in each second since the process was told to stop."""
    seconds = [int((one["backAt"] - restart.started_ms) // 1000) for one in restart.returns]
    return [seconds.count(second) for second in range(max(seconds, default=-1) + 1)]
