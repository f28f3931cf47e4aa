"""Runs writers while something is broken, and records their answers and times, and how late each page heard of them."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from testbed.waiting import wait_until
from tests.faults.pages import BOUND_SECONDS, Page
from tests.faults.people import Program

PAUSE_SECONDS: Final = 0.05


@dataclass
class Written:
    """One answered write: when it was requested (monotonic clock, s), how long its answer took, and its status."""

    item: str
    phase: str
    asked_at: float
    seconds: float
    status: int


@dataclass
class Load:
    """The writes of some writers. `phase` names what is broken now; a write belongs to the phase in which it began."""

    phase: str = "before"
    writes: list[Written] = field(default_factory=list)

    def of(self, phase: str) -> list[Written]:
        return [one for one in self.writes if one.phase == phase]

    def refused(self) -> list[Written]:
        return [one for one in self.writes if not 200 <= one.status < 300]

    def milliseconds(self, phase: str) -> tuple[float, float]:
        """Return the median and the 99th percentile of the time that a write took, in milliseconds."""
        taken = sorted(one.seconds * 1000 for one in self.of(phase))
        return statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.99))]

    def staleness_seconds(self, phase: str, pages: Sequence[Page], *, after: float = 0.0) -> float:
        """Return the longest time from the request for a write until a page hears of it: a bound of a picture's age.

        Only writes that were requested after the instant `after` count.
        """
        asked = [one for one in self.of(phase) if one.asked_at > after]
        return max((page.view.heard_at[one.item] - one.asked_at for one in asked for page in pages), default=0.0)


@contextmanager
def writers(programs: Sequence[Program], calendar: str, *, heard_by: Sequence[Page] = ()) -> Iterator[Load]:
    """Let each program create items until the context ends, each after the given pages have heard of the last.

    Raises the first error of a program.
    """
    load, ended = Load(), threading.Event()
    faults: list[BaseException] = []

    def write(program: Program) -> None:
        try:
            while not ended.wait(PAUSE_SECONDS):
                item, phase, asked_at = str(uuid4()), load.phase, time.monotonic()
                status = program.put(calendar, phase, item=item).status_code
                load.writes.append(Written(item, phase, asked_at, time.monotonic() - asked_at, status))
                wait_until(
                    lambda item=item: all(item in page.view.heard_at for page in heard_by),  # type: ignore[misc]
                    what=f"pages to hear of what was written during: {phase}",
                    timeout_seconds=BOUND_SECONDS,
                )
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(program,), daemon=True) for program in programs]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
    if faults:
        raise faults[0]


def pass_seconds(seconds: float, check: Callable[[], None]) -> None:
    """Let a fault last for some seconds, and call `check` again and again meanwhile."""
    until = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < until:
        check()
        pause.wait(0.2)
