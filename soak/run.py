"""Carries out a soak: starts everything, writes and breaks for a while, compares at checkpoints, returns the result.

It ends everything that it has started.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import psutil

from testbed.cluster import ROOT, Cluster
from testbed.farm import Client, Farm, Way

from . import complaints, seed
from .book import Book, faults_in_log, read_log
from .faults import Faults
from .world import World
from .writers import Writers

PEOPLE: Final = 12
CALENDARS: Final = 6
ITEMS_EACH: Final = 300
WRITERS: Final = 10
SETTLE_SECONDS: Final = 15
# One page in six has no WebSockets, and for one in six, every second WebSocket does not open.
WAYS: Final[tuple[Way, ...]] = ("socket", "socket", "socket", "requests", "socket", "mixed")
FOUND_BY_HEADS: Final = "calendar_live_missed_broadcasts_total"
_PUMP_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """The length of a soak, its number of pages, its rate of writes, and the seed of its random choices."""

    seconds: float
    clients: int
    seed: int
    per_second: float = 12
    checkpoint_seconds: float = 60


@dataclass(slots=True)
class Outcome:
    """The result of a soak. It has failed if `wrong` is not empty."""

    plan: Plan
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    checkpoints: list[str] = field(default_factory=list)
    windows: list[tuple[str, float, float]] = field(default_factory=list)
    memory: list[tuple[str, str]] = field(default_factory=list)
    mutations: dict[str, Counter[str]] = field(default_factory=dict)
    write_failures: Counter[str] = field(default_factory=Counter)
    tracebacks: Counter[str] = field(default_factory=Counter)
    busy: float = 0  # percent of the machine's processors
    used: float = 0  # processors that the soak used by itself, on average
    # Changes that processes delivered without a broadcast. A process that is killed counts up to the checkpoint before.
    found_by_heads: int = 0
    farm: dict[str, Any] = field(default_factory=dict)


def fill(cluster: Cluster, *, people: int = PEOPLE, items: int = ITEMS_EACH) -> seed.Cast:
    """Fill the cluster's database. Return its people and items. Raises RuntimeError if that fails."""
    command = [sys.executable, "-m", "soak.seed", str(people), str(CALENDARS), str(items)]
    ran = subprocess.run(command, cwd=ROOT, env=cluster.environ, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"the database was not filled:\n{ran.stderr}")
    return seed.read(ran.stdout)


def pages(cast: seed.Cast, *, count: int, ways: tuple[Way, ...] = WAYS) -> list[Client]:
    """Return pages of all members in turn. Each page shows three of the calendars for the whole month."""
    calendars = list(cast.items)
    start, end = (int(moment.timestamp() * 1000) for moment in (seed.MONTH_START, seed.MONTH_END))
    return [
        Client(
            f"page-{number}",
            cast.members[number % len(cast.members)].cookies,
            [calendars[(number + step) % len(calendars)] for step in (0, 1, 3)],
            start,
            end,
            ways[number // len(cast.members) % len(ways)],
        )
        for number in range(count)
    ]


class Soak:
    """A run. It reports its progress with `say`."""

    def __init__(self, plan: Plan, *, say: Callable[[str], None] = print) -> None:
        self._plan, self._say = plan, say
        self._book = Book()
        self._found_by_heads: dict[int, int] = {}  # by process id
        self.outcome = Outcome(plan)

    def run(self) -> Outcome:
        """Carry out the plan. The outcome lists everything that is wrong."""
        plan = self._plan
        self._say(f"seed {plan.seed}: {plan.clients} clients, {plan.seconds:g} s, {plan.per_second:g} writes a second")
        since, used = time.monotonic(), _processor_seconds()
        with tempfile.TemporaryDirectory(prefix="calendar-soak-") as folder, Cluster(nodes=2, debug=False) as cluster:
            cast = fill(cluster)
            with Farm(cluster.url, log=Path(folder) / "farm.log") as farm:
                try:
                    self._soak(cluster, farm, cast)
                finally:
                    self._look_at_logs(cluster)
                self._look_at_log(cluster)
        self.outcome.used = (_processor_seconds() - used) / (time.monotonic() - since)
        return self.outcome

    def _soak(self, cluster: Cluster, farm: Farm, cast: seed.Cast) -> None:
        plan = self._plan
        clients = pages(cast, count=plan.clients)
        farm.open(clients)
        farm.await_whole(timeout_seconds=60)
        self._note(cluster, "at the start")
        psutil.cpu_percent()  # the next call measures from here
        world = World(cast)
        names = [one.name for one in clients]
        with (
            Pump(farm, self._book),
            Faults(
                cluster,
                farm,
                clients=names,
                readers=cast.members[WRITERS:],
                seed=plan.seed,
                complain=self._wrong,
            ) as faults,
            Writers(
                cast.members[:WRITERS],
                site=cluster.url,
                world=world,
                book=self._book,
                per_second=plan.per_second,
                seed=plan.seed,
            ) as writers,
        ):
            self.outcome.faults, self.outcome.windows = faults.counts, faults.windows
            end = time.monotonic() + plan.seconds
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(plan.checkpoint_seconds, left))
                self._checkpoint(cluster, farm, faults, writers)
            self.outcome.wrong += [f"a writer failed: {one}" for one in writers.errors]
        self.outcome.farm = farm.stats()
        self.outcome.busy = psutil.cpu_percent()

    def _checkpoint(self, cluster: Cluster, farm: Farm, faults: Faults, writers: Writers) -> None:
        """Let everything come to rest, compare every client with a fresh feed, and continue."""
        faults.pause()
        writers.pause()
        farm.acknowledged(self._book.take_news())
        since = time.monotonic()
        found = farm.compare(timeout_seconds=SETTLE_SECONDS)
        took = time.monotonic() - since
        for one in found.differences:
            self._wrong(f"{one['client']} in {one['calendar']} {one['what']}")
        for violation in farm.violations:
            self._wrong(f"invariant {violation['rule']}: {violation.get('client')} {violation['detail']}")
        for complaint in farm.complaints:
            self._wrong(f"a page complained: {complaint['detail']}")
        farm.violations.clear()
        farm.complaints.clear()
        text = (
            f"{found.compared} pictures against {found.feeds} feeds, "
            f"{len(found.differences)} differ, after {took:.1f} s"
        )
        self.outcome.checkpoints.append(text)
        done = sum(bool(one.states) for one in self._book.mutations())
        self._say(
            f"  checkpoint: {text}; {sum(faults.counts.values())} faults, {done} writes, "
            f"{len(self.outcome.wrong)} wrong"
        )
        self._note(cluster, f"after {len(self.outcome.checkpoints)} checkpoints")
        writers.resume()
        faults.resume()

    def _wrong(self, what: str) -> None:
        if len(self.outcome.wrong) < 50:
            self._say(f"  WRONG: {what}")
        self.outcome.wrong.append(what)

    def _note(self, cluster: Cluster, when: str) -> None:
        sizes = " and ".join(f"{node.resident_bytes() / 1e6:.0f} MB" for node in cluster.nodes)
        self.outcome.memory.append((when, sizes))
        self._found_by_heads |= {node.pid: int(node.metrics()[FOUND_BY_HEADS]) for node in cluster.nodes}
        self.outcome.found_by_heads = sum(self._found_by_heads.values())

    def _look_at_logs(self, cluster: Cluster) -> None:
        logs = [node.log() for node in cluster.nodes]
        self.outcome.tracebacks = complaints.counted(logs)
        for end, (count, first) in complaints.unexplained(logs).items():
            self._wrong(f"{count} tracebacks as this one: {end}\n{first}")

    def _look_at_log(self, cluster: Cluster) -> None:
        """Check that the log has each acknowledged mutation exactly once, no refused one, and fits the tables."""
        mutations = self._book.mutations()
        self.outcome.mutations = self._book.by_kind()
        self.outcome.write_failures = self._book.failures
        for fault in faults_in_log(mutations, read_log(cluster.postgres.url)):
            self._wrong(fault)
        try:
            cluster.manage("verify_log")
        except RuntimeError as error:
            self._wrong(str(error))


def _processor_seconds() -> float:
    """Return the processor seconds of this process and of all its child processes that have ended."""
    return sum(
        one.ru_utime + one.ru_stime for one in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


class Pump:
    """A thread that tells the farm which writes were acknowledged, every 50 ms."""

    def __init__(self, farm: Farm, book: Book) -> None:
        self._farm, self._book, self._stopping = farm, book, Event()
        self._thread = Thread(target=self._pump, name="pump", daemon=True)

    def _pump(self) -> None:
        while not self._stopping.wait(_PUMP_SECONDS):
            if news := self._book.take_news():
                self._farm.acknowledged(news)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)
