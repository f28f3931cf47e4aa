"""Tests the conversion of wall-clock times to instants and back: skipped hours, repeated hours, and the bounds."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from calendar_live.pages.values import say_when, span_values
from calendar_live.pages.wall_time import NoSuchTimeError, offsets, to_instant, to_wall

SPRING = date(2026, 3, 29)  # Berlin's clocks go from 02:00 to 03:00
AUTUMN = date(2026, 10, 25)  # and here from 03:00 to 02:00


@pytest.mark.parametrize(
    ("day", "clock", "zone", "instant"),
    [
        (date(2026, 11, 23), time(9), "Asia/Manila", datetime(2026, 11, 23, 1, tzinfo=UTC)),
        (date(2026, 11, 23), time(9), "Europe/Berlin", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (SPRING, time(1, 59), "Europe/Berlin", datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        (SPRING, time(3), "Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (AUTUMN, time(2, 30), "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (AUTUMN, time(2, 30, fold=1), "Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
        (AUTUMN, time(3, fold=1), "Europe/Berlin", datetime(2026, 10, 25, 2, tzinfo=UTC)),
    ],
)
def test_a_wall_time_means_an_instant(day: date, clock: time, zone: str, instant: datetime) -> None:
    assert to_instant(day, clock, zone) == instant
    assert to_wall(instant, zone) == datetime.combine(day, clock)


def test_the_second_of_two_equal_wall_times_is_told_from_the_first() -> None:
    """Seen failing when the fold is ignored: both are then read as the first."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    for instant in (first, first + timedelta(hours=1)):
        wall = to_wall(instant, "Europe/Berlin")
        assert (wall, to_instant(wall.date(), wall.time(), "Europe/Berlin")) == (
            datetime.combine(AUTUMN, time(2, 30)),
            instant,
        )


@pytest.mark.parametrize(
    ("day", "clock", "zone", "known"),
    [
        (AUTUMN, time(1, 59), "Europe/Berlin", ("+02:00",)),
        (AUTUMN, time(2), "Europe/Berlin", ("+02:00", "+01:00")),
        (AUTUMN, time(2, 59), "Europe/Berlin", ("+02:00", "+01:00")),
        (AUTUMN, time(3), "Europe/Berlin", ("+01:00",)),
        (AUTUMN, time(2, 30), "Asia/Manila", ("+08:00",)),
        (SPRING, time(2, 30), "Europe/Berlin", ("+01:00",)),  # skipped: it never comes, and so not twice
        (date(2027, 4, 4), time(1, 45), "Australia/Lord_Howe", ("+11:00", "+10:30")),
        (date(1, 1, 1), time(2, 30), "Europe/Berlin", ("+00:53:28",)),
        (date(9999, 12, 31), time(2, 30), "America/Los_Angeles", ("-08:00",)),
    ],
)
def test_only_a_time_that_comes_twice_has_two_offsets(
    day: date, clock: time, zone: str, known: tuple[str, ...]
) -> None:
    assert offsets(day, clock, zone) == known


def test_people_read_which_of_two_equal_times_is_meant() -> None:
    """Seen failing without the offsets: the text said 01:45 to 01:15."""
    span = span_values("2027-11-07T08:45:00Z", "2027-11-07T09:15:00Z", all_day=False, time_zone="America/Los_Angeles")
    assert say_when(span) == "Sun 7 Nov 2027, 01:45 (UTC-07:00) – 01:15 (UTC-08:00) (America/Los_Angeles)"


def test_a_skipped_hour_is_refused() -> None:
    with pytest.raises(NoSuchTimeError, match=r"time_skipped .*02:30"):
        to_instant(SPRING, time(2, 30), "Europe/Berlin")


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1900, 1, 1), date(2200, 1, 1), date(9999, 12, 31)])
def test_a_day_out_of_bounds_is_refused(day: date) -> None:
    with pytest.raises(NoSuchTimeError, match=r"out_of_bounds \(earliest=1900-01-01, latest=2200-01-01\)"):
        to_instant(day, time(9), "Asia/Manila")


def test_people_see_the_last_day_of_an_all_day_item() -> None:
    values = span_values("2026-11-30", "2026-12-02", all_day=True, time_zone="UTC")
    assert (values["start_date"], values["end_date"]) == (date(2026, 11, 30), date(2026, 12, 1))
