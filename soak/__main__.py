"""`python -m soak`: real clients and writers on the real topology, and a fault every few seconds. Exits with 1 if anything is wrong."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from secrets import randbelow
from types import FrameType
from typing import NoReturn

from .report import report
from .run import Plan, Soak


def _end(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Run a soak and print its report; everything ends by itself, also on Ctrl+C and SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seed", type=int, help="breaks the same things in the same order again")
    parser.add_argument("--rate", type=float, default=12, help="writes a second")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    seed = randbelow(1_000_000) if given.seed is None else given.seed
    outcome = Soak(Plan(given.seconds, given.clients, seed, given.rate)).run()
    print(report(outcome))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
