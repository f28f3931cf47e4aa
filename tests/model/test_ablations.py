"""Tests that each rule is needed: without it, alone or with those that mask it, some run goes wrong.

This shows that the tests of the model can fail.
"""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Final

import pytest

from tests.model.ablations import UNSAID, every, known_bad, search
from tests.model.rules import Rules

ROOT: Final = Path(__file__).parents[2]
FALLBACK: Final = 300  # runs to search when all known runs go right, because the walk has changed


@pytest.mark.parametrize(("rule", "out"), every(), ids=lambda part: part if isinstance(part, str) else "+".join(part))
def test_runs_go_wrong_without(rule: str, out: tuple[str, ...]) -> None:
    found = next(search(out, itertools.chain(known_bad(out), range(FALLBACK))), None)
    assert found is not None, f"{rule}: nothing goes wrong; search on with python -m tests.model.count_ablations"


def test_each_switch_is_taken_out_somewhere_or_said_why_not() -> None:
    taken = {name for _, out in every() for name in out} | {name for _, name, _, _ in UNSAID if name}
    assert taken == {field.name for field in dataclasses.fields(Rules)}


def test_each_rule_is_named() -> None:
    rules = {rule for rule, _ in every()} | {rule for rule, _, _, _ in UNSAID}
    assert rules >= {f"S{number}" for number in range(1, 7)} | {f"C{number}" for number in range(1, 12)}


@pytest.mark.parametrize("place", sorted({place for _, _, _, place in UNSAID}))
def test_what_the_model_cannot_say_is_shown_by_a_test_that_exists(place: str) -> None:
    file, _, name = place.partition("::")
    assert name.replace("-", "_") in (ROOT / file).read_text().replace("-", "_")
