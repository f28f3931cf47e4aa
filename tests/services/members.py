"""Who is in a calendar, who is invited in the tests, and how it ends when several act at once."""

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
    """Do several things at once; return how each ended, as `done` or the name of its refusal, sorted."""

    def end_of(work: Callable[[], object]) -> str:
        try:
            work()
        except CalendarLiveError as refusal:
            return type(refusal).__name__
        return "done"

    return sorted(at_once([partial(end_of, work) for work in works]))
