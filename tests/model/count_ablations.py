"""Count the runs that each ablation breaks, and save some of them: `python -m tests.model.count_ablations [runs]`."""

from __future__ import annotations

import json
import sys
from typing import Final

from tests.model.ablations import KNOWN_BAD, every, shows, without
from tests.model.search import violation_of
from tests.model.walk import steps_of

KEPT: Final = 4
FURTHER: Final = 10  # if no run shows an ablation, the search continues up to this many times as many runs


def count(out: tuple[str, ...], runs: int) -> tuple[int, list[int]]:
    """Return how many of the first `runs` go wrong, and the seeds of some runs that show the ablation."""
    bad = 0
    kept: list[int] = []
    for seed in range(runs * FURTHER):
        if seed >= runs and kept:
            break
        if violation_of(steps_of(seed), without(out)) is None:
            continue
        bad += seed < runs
        if len(kept) < KEPT and shows(seed, out):
            kept.append(seed)
    return bad, kept


def main(runs: int) -> None:
    """Print a table of bad runs, and save some of their seeds.

    If the search finds no run for an ablation, the known seeds that still show it are kept.
    """
    before: dict[str, list[int]] = json.loads(KNOWN_BAD.read_text())
    seeds: dict[str, list[int]] = {}
    for rule, out in every():
        bad, kept = count(out, runs)
        name = "+".join(out)
        seeds[name] = kept or [seed for seed in before.get(name, []) if shows(seed, out)]
        print(f"| {rule} | {' + '.join(out)} | {bad} | {kept} |", flush=True)
    KNOWN_BAD.write_text(json.dumps(seeds, indent=1) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
