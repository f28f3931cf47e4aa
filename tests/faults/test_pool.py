"""Tests that pages hear of changes even if slow requests take every connection of their process's pool."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

import httpx
import psycopg
import pytest

from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.faults.pages import BOUND_SECONDS, SocketPage, await_right, opened
from tests.faults.people import Program, revision_of, sign_in_all
from tests.faults.rows import waiting_for_locks, write_unheard

POOL: Final = 3
WRITERS: Final = 8


@pytest.fixture(scope="module")
def small() -> Iterator[Cluster]:
    """Yield a cluster whose processes have few connections, and wait for a lock for as long as it is held."""
    cluster = Cluster(nodes=2, DATABASE_POOL_MIN="1", DATABASE_POOL_MAX=str(POOL))
    for node in cluster.nodes:
        node._environ["DATABASE_URL"] += "?options=-c%20lock_timeout%3D0"
    with cluster as running:
        running.manage("seed_demo")
        yield running


@contextmanager
def exhausted(cluster: Cluster, program: Program, calendar: str) -> Iterator[None]:
    """Make more writers of one process wait for a calendar's lock than that process has connections."""
    ended = threading.Event()

    def write() -> None:
        with Program(program.url, program.session) as mine, suppress(httpx.HTTPError):
            while not ended.is_set():
                mine.put(calendar, "waits for the lock")

    with psycopg.connect(cluster.postgres.url) as holder:
        holder.execute("SELECT 1 FROM calendar_live_calendar WHERE id = %s FOR UPDATE", [calendar])
        threads = [threading.Thread(target=write) for _ in range(WRITERS)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: waiting_for_locks(cluster) == POOL, what="the pool to be taken")
            yield
        finally:
            ended.set()
            holder.rollback()
            for thread in threads:
                thread.join(30)


def test_a_pool_that_is_taken_holds_up_neither_broadcasts_nor_the_head_check(small: Cluster) -> None:
    """Invariant 5. Seen failing when the hub's thread uses a connection of the pool."""
    sessions = sign_in_all(small)
    with ExitStack() as stack:
        busy, other = (stack.enter_context(Program(node.url, sessions["ana"])) for node in small.nodes)
        locked, shown = other.create_calendar("Locked"), other.create_calendar("Shown")
        [page] = stack.enter_context(opened([SocketPage(busy, shown)]))
        await_right([page], other, what="at the start")

        def hears(revision: int, what: str) -> None:
            wait_until(
                lambda: page.view.cursor is not None and revision_of(page.view.cursor) == revision,
                what=what,
                timeout_seconds=BOUND_SECONDS,
            )

        with exhausted(small, busy, locked):
            other.put(shown, "by a broadcast").raise_for_status()
            hears(1, "the broadcast")
            write_unheard(small, shown, 2)
            hears(3, "the look")
            assert waiting_for_locks(small) == POOL, "all the time"
        assert page.losses == 0
