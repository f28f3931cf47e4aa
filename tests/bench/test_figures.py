"""Tests the arithmetic of the benchmark's figures: percentiles, rounds and rows."""

from __future__ import annotations

import math

import pytest

from bench.figures import Round, Row, percentile


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1000.0), (0.0001, 1.0)]
)
def test_a_percentile_is_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 1001)], share) == value


def test_the_percentiles_of_one_value_are_that_value() -> None:
    assert percentile([3.0], 0.5) == percentile([3.0], 0.99) == 3.0


def played(arrivals: list[float], *, cpu_seconds: float = 0.002) -> Round:
    """Return a round of two sockets."""
    return Round.of(arrivals, sockets=2, twice=0, answer_seconds=0.004, cpu_seconds=cpu_seconds, frame_bytes=300)


def test_a_row_holds_the_medians_and_the_sum_of_what_was_lost() -> None:
    rounds = [played([0.001, 0.002]), played([0.003, 0.008], cpu_seconds=0.004), played([0.002])]
    row = Row.of(rounds, name="x", layer="redis", kib_per_socket=20, idle_cpu_share=0.1, alone_ms=3)
    assert (row.first, row.p50, row.p99, row.last) == (2.0, 2.0, 2.0, 2.0)
    assert (row.p99_range, row.answer, row.lost) == ((2.0, 8.0), 4.0, 1)
    assert row.cpu_seconds_per_million == 2000


def test_a_round_that_nobody_heard_of_lasts_for_ever() -> None:
    assert played([]).p99 == math.inf
