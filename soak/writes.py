"""Measures how many writes per second the real topology takes, for sizing.

It writes to one calendar, where the writers wait for each other, and to several.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import httpx

from testbed.cluster import Cluster

from .run import fill
from .seed import CSRF, Cast, Member

WRITERS: Final = 12
_PATIENCE_SECONDS: Final = 30
_RAMP_SECONDS: Final = 1  # by then, connections are open and processes are warm; earlier requests do not count


@dataclass(frozen=True, slots=True)
class Rate:
    """The result of one measurement: the target, writes answered per second, and milliseconds until an answer."""

    to: str
    per_second: float
    median_ms: float
    p99_ms: float


def measure(*, seconds: float, say: Callable[[str], None] = print) -> list[Rate]:
    """Let each writer edit one item as fast as it gets answers. Raises HTTPStatusError when a write is refused."""
    with Cluster(nodes=2, debug=False) as cluster:
        cast = fill(cluster, people=WRITERS, items=WRITERS)
        rates = []
        for calendars in (1, len(cast.items)):
            say(f"… {WRITERS} writers, calendars: {calendars}")
            rates.append(_measure_one(cluster.url, cast, calendars=calendars, seconds=seconds))
        return rates


def _measure_one(site: str, cast: Cast, *, calendars: int, seconds: float) -> Rate:
    plans = _plans(cast, calendars=calendars)
    taken: list[float] = []
    faults: list[Exception] = []
    started = time.monotonic() + _RAMP_SECONDS
    until = started + seconds

    def write(member: Member, path: str) -> None:
        headers = {"Cookie": member.cookies, "X-CSRFToken": CSRF, "Origin": site, "Referer": f"{site}/"}
        try:
            with httpx.Client(base_url=site, headers=headers, timeout=_PATIENCE_SECONDS, trust_env=False) as client:
                while (asked := time.monotonic()) < until:
                    key: dict[str, Any] = {"Idempotency-Key": str(uuid4())}
                    client.patch(path, json={"title": f"{asked}"}, headers=key).raise_for_status()
                    if started <= asked and time.monotonic() < until:
                        taken.append((time.monotonic() - asked) * 1_000)
        except Exception as fault:  # the thread that waits for this one raises it again
            faults.append(fault)

    threads = [threading.Thread(target=write, args=plan, daemon=True) for plan in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + _RAMP_SECONDS + _PATIENCE_SECONDS)
    if faults:
        raise faults[0]
    to = "one calendar" if calendars == 1 else f"{calendars} calendars"
    p99 = statistics.quantiles(taken, n=100)[98]
    return Rate(to, len(taken) / seconds, statistics.median(taken), p99)


def _plans(cast: Cast, *, calendars: int) -> list[tuple[Member, str]]:
    """Return (member, path) for each writer: an item of its own, the calendars in turn, and a member who may edit."""
    plans: list[tuple[Member, str]] = []
    chosen = list(cast.items.items())[:calendars]
    for number in range(WRITERS):
        calendar, items = chosen[number % calendars]
        editors = [one for one in cast.members if one.roles[calendar] in ("owner", "editor")]
        item = items[number][0]
        plans.append((editors[number // calendars % len(editors)], f"/api/calendars/{calendar}/items/{item}/"))
    return plans


def writes_report(rates: Sequence[Rate]) -> str:
    """Return the rates as a table."""
    lines = [f"{WRITERS} writers over nginx, two processes, PostgreSQL and Redis; no page is open", ""]
    lines += ["| written to | writes a second | median ms | p99 ms |", "| --- | --- | --- | --- |"]
    lines += [f"| {one.to} | {one.per_second:.0f} | {one.median_ms:.0f} | {one.p99_ms:.0f} |" for one in rates]
    return "\n".join(lines)
