"""Tests that callers skip a call for a while after it has failed, and that only one of them reports the failure."""

from calendar_live.breaker import Breaker

NOW = 1_000.0


def test_a_breaker_lets_nothing_through_for_its_pause_and_then_again() -> None:
    breaker = Breaker()
    assert not breaker.is_open(NOW)
    assert breaker.trip(NOW, 5)
    assert breaker.is_open(NOW + 4.9)
    assert not breaker.is_open(NOW + 5)


def test_a_failure_during_the_pause_is_no_news_and_begins_it_anew() -> None:
    breaker = Breaker()
    breaker.trip(NOW, 5)
    assert not breaker.trip(NOW + 1, 5)
    assert breaker.is_open(NOW + 5.9)
    assert breaker.trip(NOW + 6, 5)


def test_a_breaker_that_is_reset_lets_through() -> None:
    breaker = Breaker()
    breaker.trip(NOW, 5)
    breaker.reset()
    assert not breaker.is_open(NOW + 1)
