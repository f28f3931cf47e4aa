"""Defines half-open ranges, and parses and formats instants and dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..errors import BadValue

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z", re.ASCII)


class NotATime(BadValue):
    """The text is not a usable instant or date."""


@dataclass(frozen=True, slots=True)
class Range:
    """The instants from `start` up to, but not including, `end`. Both are aware and in UTC."""

    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        return (self.end - self.start) / timedelta(days=1)


def parse_instant(text: str) -> datetime:
    """Return an ISO 8601 date-time with an offset as an instant in UTC. Raises NotATime.

    A date without a time stands for its midnight in UTC.
    """
    if _DATE.match(text):
        return date_to_instant(parse_date(text))
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotATime("not_iso_instant") from error
    if parsed.tzinfo is None:
        raise NotATime("no_offset")
    try:
        return _bounded(parsed.astimezone(UTC))
    except OverflowError as error:
        raise _outside() from error


def parse_moments(text: str, zone: str) -> tuple[datetime, datetime]:
    """Return the first and the last instant, in UTC, that a time may mean. Raises NotATime.

    A time without an offset is read in the time zone `zone`. The two instants differ in an hour that the zone's clocks
    show twice or skip, because it may count by either offset. Dates and times with an offset are read as
    `parse_instant` reads them, and so is every time if `zone` is not a time zone.
    """
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None or _DATE.match(text) or not is_time_zone(zone):
        instant = parse_instant(text)
        return instant, instant
    try:
        both = [_bounded(local.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)) for fold in (0, 1)]
    except OverflowError as error:
        raise _outside() from error
    return min(both), max(both)


def parse_date(text: str) -> date:
    """Return an ISO 8601 calendar date. Raises NotATime."""
    if not _DATE.match(text):
        raise NotATime("not_iso_date")
    try:
        parsed = date.fromisoformat(text)
    except ValueError as error:
        raise NotATime("no_such_date") from error
    _bounded(date_to_instant(parsed))
    return parsed


def date_to_instant(day: date) -> datetime:
    """Return a date's midnight in UTC, by which all-day items are stored and compared."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def format_instant(instant: datetime) -> str:
    """Return an aware instant as `2026-11-22T09:00:00Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_time(instant: datetime, *, all_day: bool) -> str:
    """Return an item's start or end as it is on the wire: an instant, or the date of an all-day item."""
    return instant.astimezone(UTC).date().isoformat() if all_day else format_instant(instant)


def is_time_zone(name: str) -> bool:
    """Whether this is the name of an IANA time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name that is a folder of the database
        return False
    return True


def _outside() -> NotATime:
    return NotATime("out_of_bounds", earliest=EARLIEST.date(), latest=LATEST.date())


def _bounded(instant: datetime) -> datetime:
    if not EARLIEST <= instant <= LATEST:
        raise _outside()
    return instant
