"""Runs many walks, and shortens those that fail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.model.rules import ALL, Rules
from tests.model.run import Step
from tests.model.values import Violation
from tests.model.walk import steps_of, walk


@dataclass(frozen=True, slots=True)
class Failure:
    seed: int
    invariant: str
    detail: str


def violation_of(steps: list[Step], rules: Rules = ALL) -> Violation | None:
    """Return the violation in which a run ends, if any."""
    try:
        walk(steps, rules)
    except Violation as violation:
        return violation
    return None


def failures(seeds: Iterable[int], rules: Rules = ALL) -> Iterable[Failure]:
    """Yield the runs that go wrong."""
    for seed in seeds:
        violation = violation_of(steps_of(seed), rules)
        if violation is not None:
            yield Failure(seed, violation.invariant, violation.detail)


def shorten(steps: list[Step], rules: Rules = ALL) -> list[Step]:
    """Return fewer steps that break the same invariant.

    It leaves out halves, quarters and so on down to single steps, as long as the invariant stays broken.
    """
    first = violation_of(steps, rules)
    if first is None:
        raise ValueError("This run breaks nothing.")
    size = len(steps) // 2
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            found = violation_of(fewer, rules)
            if found is not None and found.invariant == first.invariant:
                steps = fewer
            else:
                at += size
        size //= 2
    return steps


def report(seed: int, rules: Rules = ALL) -> str:
    """Return the story of a failing run: its seed, its fewest steps, what happened, and what was wrong."""
    steps = shorten(steps_of(seed), rules)
    story: list[str] = []
    try:
        walk(steps, rules, story.append)
    except Violation as violation:
        story.append(str(violation))
    return "\n".join([f"seed {seed}, {len(steps)} steps", *story])
