"""Reads the golden frames and wires of tests/contract, which the tests of the front end read as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

CONTRACT: Final = Path(__file__).parents[1] / "contract"

CALENDAR: Final = "11111111-1111-4111-8111-111111111111"
TIMED: Final = "22222222-2222-4222-8222-222222222222"
ALL_DAY: Final = "33333333-3333-4333-8333-333333333333"
MUTATION: Final = "44444444-4444-4444-8444-444444444444"


def load(name: str) -> list[dict[str, Any]]:
    """Return the cases of one contract file."""
    cases: list[dict[str, Any]] = json.loads((CONTRACT / f"{name}.json").read_text())
    return cases


def wire(name: str) -> str:
    """Return a golden wire as the text that is stored and sent."""
    return _wire("wires", name)


def old_wire(name: str) -> str:
    """Return the same wire as the version before stores it."""
    return _wire("old-wires", name)


def _wire(file: str, name: str) -> str:
    found = next(case["wire"] for case in load(file) if case["name"] == name)
    return json.dumps(found, separators=(",", ":"))
