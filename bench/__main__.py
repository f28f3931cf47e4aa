"""Measure one deletion to many sockets beside the textbook consumer.

python -m bench [--sockets 1000] [--rounds 15] [--layers redis memory] [--quick] [--json]
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from types import FrameType
from typing import NoReturn

from bench.report import p99_ratio, text_of
from bench.run import OURS, Options, measure


def parse(arguments: Sequence[str]) -> tuple[Options, argparse.Namespace]:
    """Return the size of the run, and what to do with its result."""
    default = Options()
    quick = Options(sockets=50, rounds=3, warm_up_rounds=1, settle_seconds=0.2, idle_seconds=0.5)
    parser = argparse.ArgumentParser(prog="python -m bench", description="One deletion to many sockets, side by side.")
    parser.add_argument("--sockets", type=int, help=f"sockets to each server ({default.sockets}; at least 2)")
    parser.add_argument("--rounds", type=int, help=f"deletions measured at each server ({default.rounds})")
    parser.add_argument("--layers", nargs="+", choices=default.layers, default=list(default.layers))
    parser.add_argument("--quick", action="store_true", help=f"{quick.sockets} sockets, {quick.rounds} rounds: a trial")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of the table")
    parser.add_argument(
        "--at-least", type=float, metavar="RATIO", help="fail unless the textbook's p99 is so many times ours"
    )
    given = parser.parse_args(arguments)
    size = quick if given.quick else default
    sockets, rounds = given.sockets or size.sockets, given.rounds or size.rounds
    if sockets < 2 or rounds < 1:
        parser.error("at least 2 sockets and 1 round")
    return replace(size, sockets=sockets, rounds=rounds, layers=tuple(dict.fromkeys(given.layers))), given


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Measure and print. Return 1 if calendar_live lost or repeated a delivery, or if `--at-least` was not met."""
    options, given = parse(arguments)
    signal.signal(signal.SIGTERM, _exit)  # so that the servers are ended as well
    result = measure(options, say=lambda line: print(f"… {line}", file=sys.stderr, flush=True))
    print(json.dumps(asdict(result), indent=1) if given.json else text_of(result))
    lost = any(row.lost or row.twice for row in result.rows if row.name == OURS)
    lost = lost or any(one.delivered < one.sockets or one.twice for one in result.without_redis)
    slow = given.at_least is not None and any(p99_ratio(result, layer) < given.at_least for layer in options.layers)
    return int(lost or slow)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
