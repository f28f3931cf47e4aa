"""Converts between wall-clock times and instants, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..errors import BadValue
from ..schedule.ranges import EARLIEST, LATEST


class NoSuchTimeError(BadValue):
    """The clocks of this zone skip this time on this day, or the day is out of bounds."""


def to_instant(day: date, clock: time, zone: str) -> datetime:
    """Return the instant at which the clocks of a zone show this, in UTC; of two (clocks go back), the one that `clock.fold` says."""
    if not EARLIEST.date() < day < LATEST.date():
        raise NoSuchTimeError("out_of_bounds", earliest=EARLIEST.date(), latest=LATEST.date())
    local = datetime.combine(day, clock, tzinfo=ZoneInfo(zone))
    instant = local.astimezone(UTC)
    if to_wall(instant, zone) != local.replace(tzinfo=None):
        raise NoSuchTimeError("time_skipped", zone=zone, time=f"{clock:%H:%M}")
    return instant


def to_wall(instant: datetime, zone: str) -> datetime:
    """Return what the clocks of a zone show at an instant, without the zone. Its `fold` is 1 where they show it for the second time."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def offsets(day: date, clock: time, zone: str) -> tuple[str, ...]:
    """Return the offsets from UTC, as `-07:00`, at which the clocks of a zone show this: two in the hour that comes twice."""
    both = [datetime.combine(day, clock.replace(fold=fold), tzinfo=ZoneInfo(zone)) for fold in (0, 1)]
    first, second = (one.utcoffset() or timedelta() for one in both)
    # In an hour that is skipped they differ too, but the other way round.
    return tuple(
        one.isoformat(timespec="minutes")[len("2026-10-25T02:30") :] for one in both[: 2 if first > second else 1]
    )
