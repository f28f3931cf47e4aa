"""Tests that each process serves the first request after PostgreSQL was away for some seconds, as during an upgrade."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

from testbed.cluster import Cluster
from tests.faults.people import Program

# These requests keep the database away for 20 s. A pool that tries again 1, 3, 7, 15 and 31 s after the first failure
# would then connect later than a request waits for a connection (5 s).
ASKED_WHILE_AWAY: Final = 4


def ask_at_once(programs: list[Program], times: int) -> list[int]:
    """Send a number of requests to each process at the same time. Return the status of each answer."""
    with ThreadPoolExecutor(len(programs) * times) as threads:

        def ask(program: Program) -> int:
            with Program(program.url, program.session) as mine:
                return mine.client.get("/api/calendars/").status_code

        return list(threads.map(ask, programs * times))


def test_the_first_request_after_a_restart_of_the_database_is_served(cluster: Cluster, at_node: list[Program]) -> None:
    """No connection of a pool outlives the restart, and the pool notices each dead connection at once.

    Seen failing with psycopg's own check: it sleeps 1, 2 and 4 s between one dead connection and the next, and the
    request is 503.
    """
    ask_at_once(at_node, 6)
    cluster.postgres.stop()
    cluster.postgres.start()
    assert ask_at_once(at_node, 1) == [200, 200]


def test_a_database_that_was_away_for_long_is_there_for_the_first_request(
    cluster: Cluster, at_node: list[Program]
) -> None:
    """Requests that come while it is away are 503, and do not make later requests wait.

    Seen failing with a pool that waits longer each time before it connects again.
    """
    cluster.postgres.stop()
    for _ in range(ASKED_WHILE_AWAY):
        assert ask_at_once(at_node, 1) == [503, 503]
    cluster.postgres.start()
    assert ask_at_once(at_node, 1) == [200, 200]
