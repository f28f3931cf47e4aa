"""A rolling restart costs nobody anything: no change, no feed, no failed write. `python -m soak rolling` says how long it takes."""

from soak.rolling import roll


def test_a_rolling_restart_loses_nothing_and_costs_no_feed() -> None:
    """Invariants 5 and 8, C11: who was away for less than a minute is told what they missed, and asks for nothing else.

    Seen failing with a daphne of no own in Procfile.cluster (writes fail, pages are cut off), and with a cursor that is forgotten when
    the connection is lost (`cut` in core/rules.ts).
    """
    outcome = roll(clients=60, seed=1, items=40)
    assert outcome.wrong == []
    assert [restart.exit_code for restart in outcome.restarts] == [0, 0]
    assert sum(len(restart.returns) for restart in outcome.restarts) >= 60
    assert outcome.failures == {}
    assert outcome.farm["resets"] == {}
