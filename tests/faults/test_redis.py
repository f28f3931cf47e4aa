"""Redis dies, hangs, forgets who listens or talks nonsense: nobody sees an error, nothing is lost, nothing comes twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest
import redis

from tests.cluster import Cluster
from tests.faults.pages import BOUND_SECONDS, Page, await_right
from tests.faults.people import Program
from tests.faults.redis_dead import WAYS, redis_away

AWAY_SECONDS: Final = 2


@pytest.mark.parametrize("way", WAYS)
def test_a_redis_that_is_away_costs_a_second_of_staleness_and_nothing_else(
    way: str, cluster: Cluster, sessions: dict[str, str]
) -> None:
    """Invariants 5 and 8: no error to anyone, also not to who opens a page or signs in; no gap, no double.

    Seen failing with a hub that does not look at the heads (killed), without the breaker of the broadcasts (stopped), and with a
    hub that does not join again (talking nonsense).
    """
    outcome = redis_away(cluster, sessions, seconds=AWAY_SECONDS, way=way)
    print(outcome)
    assert outcome.refused == []
    before, away = outcome.milliseconds["before"][0], outcome.milliseconds["away"][0]
    assert away < before + 200, "writes keep their speed: only the first may wait a quarter of a second"
    assert outcome.stale_seconds["away"] < BOUND_SECONDS
    assert outcome.opened_seconds < BOUND_SECONDS
    assert outcome.missed_after == 0, "broadcasts are used again"


def test_subscriptions_that_redis_cuts_lose_nothing(
    cluster: Cluster, ana: Program, calendar: str, pages: Sequence[Page]
) -> None:
    """Invariants 5 and 8. Seen failing with a hub that does not look at the heads."""
    assert cluster.redis
    client = redis.Redis.from_url(cluster.redis.url)
    for number in range(3):
        client.client_kill_filter(_type="pubsub")
        ana.put(calendar, f"after cut {number}").raise_for_status()
        await_right(pages, ana, what=f"after cut {number}")
    client.close()
    for page in pages:
        assert (page.losses, page.view.resets, page.view.revisions) == (0, [], [1, 2, 3])
