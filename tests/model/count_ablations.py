"""Count what each ablation breaks, and keep some of the runs: `python -m tests.model.count_ablations [runs]`."""

from __future__ import annotations

import json
import sys
from typing import Final

from tests.model.ablations import KNOWN_BAD, every, shows, without
from tests.model.search import violation_of
from tests.model.walk import steps_of

KEPT: Final = 4
FURTHER: Final = 10  # a rule that is rarely needed is searched for so many times longer


def count(out: tuple[str, ...], runs: int) -> tuple[int, list[int]]:
    """Return how many of the first runs go wrong, and some that show the ablation."""
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
    """Print a table of bad runs, and keep some of them: of a rule whose runs are too rare to be found again, those known before."""
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
