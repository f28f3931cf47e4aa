"""What a wall clock shows and the instant it means; the one place of the pages that translates. Never guesses a missing hour."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from ..schedule.ranges import EARLIEST, LATEST


class NoSuchTimeError(ValueError):
    """The clocks of this zone skip this time on this day, or the day is out of bounds; the message says so, for people."""


def to_instant(day: date, clock: time, zone: str) -> datetime:
    """Return the instant at which the clocks of a zone show this, in UTC; of two (clocks go back), the first."""
    if not EARLIEST.date() < day < LATEST.date():
        bounds = {"earliest": f"{EARLIEST:%Y-%m-%d}", "latest": f"{LATEST:%Y-%m-%d}"}
        raise NoSuchTimeError(_("Must be from %(earliest)s to %(latest)s.") % bounds)
    local = datetime.combine(day, clock, tzinfo=ZoneInfo(zone))
    instant = local.astimezone(UTC)
    if to_wall(instant, zone) != local.replace(tzinfo=None):
        skipped = {"zone": zone, "time": f"{clock:%H:%M}"}
        raise NoSuchTimeError(_("There is no %(time)s on this day: the clocks of %(zone)s go forward.") % skipped)
    return instant


def to_wall(instant: datetime, zone: str) -> datetime:
    """Return what the clocks of a zone show at an instant, without the zone."""
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
