"""Registers scenarios under the name of their fault, and provides their beginning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.model.script import Script as Script

NEAR: Final = (0, 10)
MIDDLE: Final = (6, 16)
FAR: Final = (12, 22)
SCENARIOS: dict[str, tuple[str, Callable[[], Script]]] = {}


def scenario(rules: str) -> Callable[[Callable[[], Script]], Callable[[], Script]]:
    """Register a scenario under the name of its function, with the rules that it tests."""

    def register(function: Callable[[], Script]) -> Callable[[], Script]:
        SCENARIOS[function.__name__.replace("_", "-")] = (rules, function)
        return function

    return register


def live(
    *items: str,
    ranges: tuple[tuple[int, int], ...] = (NEAR,),
    calendars: tuple[str, ...] = ("a",),
    script: Script | None = None,
) -> Script:
    """Return a script whose client is live in calendars with the given items."""
    script = script or Script()
    for item in items:
        script.write("create", item)
    for calendar in calendars:
        script.show(*ranges, calendar=calendar)
    script.open()
    for calendar in calendars:
        script.subscribed(calendar=calendar)
        for within in ranges:
            script.feed(within, calendar=calendar)
    return script
