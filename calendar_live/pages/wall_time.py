"""Converts between wall-clock times and instants, also at the times when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..errors import BadValue
from ..schedule.ranges import EARLIEST, LATEST


class NoSuchTimeError(BadValue):
    """The clocks of this zone skip this time on this day, or the day is out of bounds."""


def to_instant(day: date, clock: time, zone: str) -> datetime:
    """Return the instant, in UTC, at which the clocks of a zone show this time. Raises NoSuchTimeError.

    If the clocks go back and show the time twice, `clock.fold` says which of the two instants is meant.
    """
    if not EARLIEST.date() < day < LATEST.date():
        raise NoSuchTimeError("out_of_bounds", earliest=EARLIEST.date(), latest=LATEST.date())
    local = datetime.combine(day, clock, tzinfo=ZoneInfo(zone))
    instant = local.astimezone(UTC)
    if to_wall(instant, zone) != local.replace(tzinfo=None):
        raise NoSuchTimeError("time_skipped", zone=zone, time=f"{clock:%H:%M}")
    return instant


def to_wall(instant: datetime, zone: str) -> datetime:
    """Return what the clocks of a zone show at an instant, without the zone.

    Its `fold` is 1 if they show this time for the second time.
    """
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def offsets(day: date, clock: time, zone: str) -> tuple[str, ...]:
    """Return the offsets from UTC, such as `-07:00`, at which the clocks of a zone show this time.

    There are two in the hour that comes twice, otherwise one.
    """
    both = [datetime.combine(day, clock.replace(fold=fold), tzinfo=ZoneInfo(zone)) for fold in (0, 1)]
    first, second = (one.utcoffset() or timedelta() for one in both)
    # In an hour that is skipped, the offsets differ too, but the first one is the smaller one.
    return tuple(
        one.isoformat(timespec="minutes")[len("2026-10-25T02:30") :] for one in both[: 2 if first > second else 1]
    )
