"""Tests that a rolling restart costs pages no change, no feed and no failed write.

`python -m soak rolling` prints how long such a restart takes.
"""

from soak.rolling import roll


def test_a_rolling_restart_loses_nothing_and_costs_no_feed() -> None:
    """Invariants 5 and 8, C11: a page that was away for less than a minute gets what it missed and requests no feed.

    Seen failing with stock daphne in Procfile.cluster (writes fail, pages are cut off), and when a page that loses its
    connection forgets its cursor (`cut` in core/rules.ts).
    """
    outcome = roll(clients=60, seed=1, items=40)
    assert outcome.wrong == []
    assert [restart.exit_code for restart in outcome.restarts] == [0, 0]
    assert sum(len(restart.returns) for restart in outcome.restarts) >= 60
    assert outcome.failures == {}
    assert outcome.farm["resets"] == {}
