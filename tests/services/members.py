"""Helps tests to read the members of a calendar, to invite people, and to run several services at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from calendar_live.errors import CalendarLiveError
from calendar_live.models import Calendar, Membership
from tests.threads import at_once

PASSPHRASE: Final = "a long enough phrase"
EVE: Final = "eve@example.org"


def roles(calendar: Calendar) -> dict[str, str]:
    rows = Membership.objects.filter(calendar=calendar).order_by("user__username").values_list("user__username", "role")
    return dict(rows)


def together(*works: Callable[[], object]) -> list[str]:
    """Run several functions at once. Return the sorted results: `done`, or the name of the refusal."""

    def end_of(work: Callable[[], object]) -> str:
        try:
            work()
        except CalendarLiveError as refusal:
            return type(refusal).__name__
        return "done"

    return sorted(at_once([partial(end_of, work) for work in works]))
