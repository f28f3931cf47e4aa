"""Queries and standings with which the tests read feeds: a week from Monday, and a calendar as it is now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import orjson

from calendar_live.access import Standing
from calendar_live.models import Calendar
from calendar_live.protocol.rights import Access, Rights
from calendar_live.reading import feed
from calendar_live.schedule.ranges import Range
from tests.people import NINE

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MIDNIGHT: Final = NINE.replace(hour=0)
WEEK: Final = Range(MIDNIGHT, MIDNIGHT + 7 * DAY)


def ask(start: datetime = WEEK.start, end: datetime = WEEK.end, **wanted: tuple[str, ...]) -> feed.Query:
    return feed.Query(Range(start, end), wanted)


def ask_for(wanted: dict[str, tuple[str, ...]], within: Range = WEEK) -> feed.Query:
    return feed.Query(within, wanted)


def standing_in(calendar: Calendar, rights: Rights = "full") -> Standing:
    """Return a standing in a calendar, with the calendar's current state."""
    return Standing(str(calendar.pk), "", Access(rights, 1), Calendar.objects.get(pk=calendar.pk).state)


def titles(found: feed.Feed) -> list[str]:
    return sorted(item["title"] for item in orjson.loads(found.body))
