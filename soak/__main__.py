"""`python -m soak`: runs real clients and writers on the real topology, with a fault every few seconds.

Exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import io
import signal
import sys
from collections.abc import Sequence
from secrets import randbelow
from types import FrameType
from typing import NoReturn

from .report import report, rolling_report
from .rolling import roll
from .run import Plan, Soak
from .writes import measure, writes_report


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Run a soak and print its report. All processes that it starts are ended, even after Ctrl+C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=main.__doc__)
    parser.add_argument("what", nargs="?", choices=["faults", "rolling", "writes"], default="faults")
    parser.add_argument("--seconds", type=float, help="600; of the writes 10 each")
    parser.add_argument("--clients", type=int, help="open pages: 200; of a rolling restart 500")
    parser.add_argument("--seed", type=int, help="breaks the same things in the same order again")
    parser.add_argument("--rate", type=float, help="writes a second: 12; in a rolling restart 5")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # so that you can follow the output in a file
    seed = randbelow(1_000_000) if given.seed is None else given.seed
    if given.what == "rolling":
        rolling = roll(clients=given.clients or 500, seed=seed, per_second=given.rate or 5)
        print(rolling_report(rolling))
        return 1 if rolling.wrong else 0
    if given.what == "writes":
        print(writes_report(measure(seconds=given.seconds or 10)))
        return 0
    outcome = Soak(Plan(given.seconds or 600, given.clients or 200, seed, given.rate or 12)).run()
    print(report(outcome))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
