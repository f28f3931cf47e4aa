"""Tests a Redis that dies, hangs, loses subscriptions or talks nonsense: no error, nothing lost, nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import pytest
import redis

from testbed.cluster import Cluster
from tests.faults.pages import Page, await_right
from tests.faults.people import Program
from tests.faults.redis_dead import WAYS, redis_away

AWAY_SECONDS: Final = 2


@pytest.mark.parametrize("way", WAYS)
def test_a_redis_that_is_away_costs_a_second_of_staleness_and_nothing_else(
    way: str, cluster: Cluster, sessions: dict[str, str]
) -> None:
    """Invariants 5 and 8: nobody sees an error, even on opening a page or signing in; nothing is lost or comes twice.

    `python -m tests.faults.redis_dead` prints how long writes take, and how late pages are. Seen failing with a hub
    without the head check (killed), without the breaker of the broadcasts (stopped), and with a hub that does not join
    its groups again (talking nonsense).
    """
    outcome = redis_away(cluster, sessions, seconds=AWAY_SECONDS, way=way)
    assert outcome.refused == []
    assert outcome.paid <= outcome.may_pay, "writes that paid a time-out: one at each process, and one after each pause"


def test_subscriptions_that_redis_cuts_all_the_time_lose_nothing(
    cluster: Cluster, ana: Program, calendar: str, pages: Sequence[Page]
) -> None:
    """Invariants 5 and 8. Seen failing with a hub without the head check."""
    assert cluster.redis is not None
    ended = threading.Event()

    def cut(url: str) -> None:
        with redis.Redis.from_url(url) as client:
            while not ended.is_set():
                client.client_kill_filter(_type="pubsub")

    cutting = threading.Thread(target=cut, args=(cluster.redis.url,))
    cutting.start()
    try:
        for number in range(20):
            ana.put(calendar, f"during the cuts {number}").raise_for_status()
        await_right(pages, ana, what="while their subscriptions are cut")
    finally:
        ended.set()
        cutting.join(10)
    for page in pages:
        assert (page.losses, page.view.resets, page.view.revisions) == (0, [], list(range(1, 21)))
