"""Wall-clock times and instants: skipped and doubled hours, and the bounds."""

from datetime import UTC, date, datetime, time

import pytest

from calendar_live.pages.values import span_values
from calendar_live.pages.wall_time import NoSuchTimeError, to_instant, to_wall

SPRING = date(2026, 3, 29)  # Berlin's clocks go from 02:00 to 03:00
AUTUMN = date(2026, 10, 25)  # and from 03:00 to 02:00


@pytest.mark.parametrize(
    ("day", "clock", "zone", "instant"),
    [
        (date(2026, 11, 23), time(9), "Asia/Manila", datetime(2026, 11, 23, 1, tzinfo=UTC)),
        (date(2026, 11, 23), time(9), "Europe/Berlin", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (SPRING, time(1, 59), "Europe/Berlin", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        (SPRING, time(3), "Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (AUTUMN, time(2, 30), "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_wall_time_means_an_instant(day: date, clock: time, zone: str, instant: datetime) -> None:
    assert to_instant(day, clock, zone) == instant
    assert to_wall(instant, zone) == datetime.combine(day, clock)


def test_a_skipped_hour_is_refused() -> None:
    with pytest.raises(NoSuchTimeError, match="There is no 02:30 on this day"):
        to_instant(SPRING, time(2, 30), "Europe/Berlin")


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1900, 1, 1), date(2200, 1, 1), date(9999, 12, 31)])
def test_a_day_out_of_bounds_is_refused(day: date) -> None:
    with pytest.raises(NoSuchTimeError, match="Must be from 1900-01-01 to 2200-01-01"):
        to_instant(day, time(9), "Asia/Manila")


def test_people_see_the_last_day_of_an_all_day_item() -> None:
    values = span_values("2026-11-30", "2026-12-02", all_day=True, time_zone="UTC")
    assert (values["start_date"], values["end_date"]) == (date(2026, 11, 30), date(2026, 12, 1))
