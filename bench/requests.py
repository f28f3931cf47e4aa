"""Measure what a request costs here and on the same site under Django's own ASGI application: python -m bench.requests.

Both serve copies of one SQLite file and are asked in turns. CPU is the CPU time of all threads of the server's process.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx

from bench import machine, processes
from bench.processes import Server
from bench.seed import Cast
from testbed.servers import LOOPBACK, free_port

OURS: Final = "calendar_live"
STOCK: Final = "as Django comes"
AT_ONCE: Final = (1, 8)
_CSRF: Final = "bench" * 6 + "xx"
_MONTH: Final = {"start": "2026-11-01T00:00:00Z", "end": "2026-12-01T00:00:00Z"}
GOAL: Final = 1.0  # the least ratio of Django's cost to ours
KINDS: Final = ("healthz", "calendars", "feed", "frames")


@dataclass(slots=True)
class Cost:
    """What one kind of request cost on one server, with `at_once` requests at the same time."""

    server: str
    kind: str
    at_once: int
    cpu_ms: list[float] = field(default_factory=list)  # for each round: CPU time per request
    taken_ms: list[float] = field(default_factory=list)  # for each request


class Site:
    """One server, with a signed-in client."""

    def __init__(self, server: Server, cast: Cast) -> None:
        self.server = server
        url = f"http://{LOOPBACK}:{server.port}"
        headers = {"Cookie": f"sessionid={cast.owner}; csrftoken={_CSRF}", "X-CSRFToken": _CSRF, "Origin": url}
        limits = httpx.Limits(max_connections=max(AT_ONCE), max_keepalive_connections=max(AT_ONCE))
        self.client = httpx.Client(base_url=url, headers=headers, limits=limits, trust_env=False, timeout=30)
        self._calendar = cast.calendar
        self._subscribe: dict[str, Any] = {}

    def close(self) -> None:
        self.client.close()
        self.server.close()

    def begin(self) -> None:
        """Wait until the server is up, and read the calendar's state."""
        self.server.wait_until_up()
        [mine] = self.client.get("/api/calendars/").raise_for_status().json()
        frame = {"type": "subscribe", "id": 1, "calendar": mine["id"], "state": mine["state"], "access": mine["access"]}
        self._subscribe = {"known": {}, "wait": 0, "frames": [frame]}

    def ask(self, kind: str) -> float:
        """Send one request. Return the milliseconds until its answer. Raises httpx.HTTPStatusError."""
        since = time.perf_counter()
        match kind:
            case "healthz":
                answer = self.client.get("/healthz")
            case "calendars":
                answer = self.client.get("/api/calendars/")
            case "feed":
                answer = self.client.get(f"/api/calendars/{self._calendar}/feed/", params=_MONTH)
            case _:
                answer = self.client.post("/api/frames/", json=self._subscribe)
        answer.raise_for_status()
        return (time.perf_counter() - since) * 1_000


def measure(*, requests: int, rounds: int, say: Callable[[str], None] = lambda _: None) -> list[Cost]:
    """Return what requests cost: in each round, `requests` of each kind are sent to each server in turn."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="calendar-bench-")))
        cast = processes.filled(folder / "seed.sqlite3", people=5, sessions=5, items=100)
        sites = {name: stack.enter_context(closing(_start(name, folder, cast))) for name in (OURS, STOCK)}
        pool = stack.enter_context(ThreadPoolExecutor(max(AT_ONCE)))
        for site in sites.values():
            site.begin()
        costs = [Cost(name, kind, at_once) for at_once in AT_ONCE for kind in KINDS for name in sites]
        for number in range(-1, rounds):  # the first round warms up
            say(f"round {number + 1} of {rounds}")
            for cost in costs:
                site = sites[cost.server]
                before = site.server.cpu_seconds()
                taken = _asked(pool, site, cost, requests)
                if number >= 0:
                    cost.cpu_ms.append((site.server.cpu_seconds() - before) / len(taken) * 1_000)
                    cost.taken_ms += taken
        return costs


def _asked(pool: ThreadPoolExecutor, site: Site, cost: Cost, requests: int) -> list[float]:
    if cost.at_once == 1:
        return [site.ask(cost.kind) for _ in range(requests)]
    share = range(requests // cost.at_once)
    lists = pool.map(lambda _: [site.ask(cost.kind) for _ in share], range(cost.at_once))
    return [one for taken in lists for one in taken]


def _start(name: str, folder: Path, cast: Cast) -> Site:
    database, port = folder / f"{name.replace(' ', '-')}.sqlite3", free_port()
    shutil.copy(folder / "seed.sqlite3", database)
    application = "bench.stock_asgi" if name == STOCK else "project.asgi"
    command = [*processes.our_command(port)[:-1], f"{application}:application"]
    own = {"DATABASE_URL": f"sqlite:///{database}", "DJANGO_SETTINGS_MODULE": "project.settings"}
    return Site(processes.start(command, port, folder / f"{database.stem}.log", **own), cast)


def text_of(costs: Sequence[Cost]) -> str:
    """Return the costs as a table."""
    lines = [f"{'request':<14}{'at once':<9}{'server':<17}{'CPU ms':>8}{'p50 ms':>8}{'p99 ms':>8}   CPU of Django's"]
    for cost in costs:
        cpu, cuts = median(cost.cpu_ms), quantiles(cost.taken_ms, n=100)
        row = f"{cost.kind:<14}{cost.at_once:<9}{cost.server:<17}{cpu:>8.2f}{cuts[49]:>8.2f}{cuts[98]:>8.2f}"
        if cost.server == OURS:
            row += f"   {median(of(costs, STOCK, cost).cpu_ms) / cpu:.1f}x"
        lines.append(row)
    goal = min(median(of(costs, STOCK, cost).cpu_ms) / median(cost.cpu_ms) for cost in costs if cost.server == OURS)
    kept = "met" if goal >= GOAL else "NOT met"
    return "\n".join(
        ["; ".join(machine.description()), "", *lines, "", f"Every request costs less than Django's: {kept}"]
    )


def of(costs: Sequence[Cost], server: str, like: Cost) -> Cost:
    """Return what the same request cost on a server."""
    return next(one for one in costs if (one.server, one.kind, one.at_once) == (server, like.kind, like.at_once))


def main(arguments: Sequence[str]) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.requests", description=__doc__)
    parser.add_argument("--requests", type=int, default=200, help="of each kind, in each round (200)")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    print(
        text_of(
            measure(requests=given.requests, rounds=given.rounds, say=lambda line: print(f"… {line}", file=sys.stderr))
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
