"""Writers that go on while something is broken, and what came of it: answers, their times, and how late each page heard."""

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
    """One answered write: when it was asked for, how long its answer took, with what status."""

    item: str
    phase: str
    asked_at: float
    seconds: float
    status: int


@dataclass
class Load:
    """What some writers did. `phase` names what is broken now; each write belongs to the one it began in."""

    phase: str = "before"
    writes: list[Written] = field(default_factory=list)

    def of(self, phase: str) -> list[Written]:
        return [one for one in self.writes if one.phase == phase]

    def refused(self) -> list[Written]:
        return [one for one in self.writes if not 200 <= one.status < 300]

    def milliseconds(self, phase: str) -> tuple[float, float]:
        """Return the median and the 99th percentile of what a write took."""
        taken = sorted(one.seconds * 1000 for one in self.of(phase))
        return statistics.median(taken), taken[min(len(taken) - 1, int(len(taken) * 0.99))]

    def staleness_seconds(self, phase: str, pages: Sequence[Page], *, after: float = 0.0) -> float:
        """Return the longest time from asking for a write (after an instant) to hearing of it: an upper bound of a picture's age."""
        asked = [one for one in self.of(phase) if one.asked_at > after]
        return max((page.view.heard_at[one.item] - one.asked_at for one in asked for page in pages), default=0.0)


@contextmanager
def writers(programs: Sequence[Program], calendar: str, *, heard_by: Sequence[Page] = ()) -> Iterator[Load]:
    """Let each program create items, each once some pages have heard of the last, until the context ends. Raises what one failed with."""
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
    """Let a fault last, checking meanwhile that nobody suffers."""
    until = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < until:
        check()
        pause.wait(0.2)
