"""Tests a lock of a stalled process: writers that need it get an error in time, others do not wait, the lock ends."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final
from uuid import uuid4

import psycopg

from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.faults.people import Program, revision_of
from tests.faults.rows import held_by_a_process_that_stands_still, waiting_for_locks

PRUNE: Final = """
from datetime import timedelta
from django.utils import timezone
from calendar_live import changelog
changelog.prune(before=timezone.now() + timedelta(days=1))
"""


@contextmanager
def locked(cluster: Cluster, calendar: str) -> Iterator[None]:
    """Hold a calendar's lock for as long as the context lasts."""
    with psycopg.connect(cluster.postgres.url) as holder:
        holder.execute("SELECT 1 FROM calendar_live_calendar WHERE id = %s FOR UPDATE", [calendar])
        yield


def test_a_lock_that_is_held_is_a_clear_answer_in_time_and_does_not_last(
    cluster: Cluster, at_node: list[Program], ana: Program, calendar: str
) -> None:
    """A writer that needs the lock gets its answer while the lock is held. A holder that stalls loses it in the end.

    Seen failing without `lock_timeout` (the writer waits for the holder), and without
    `idle_in_transaction_session_timeout`.
    """
    held, other, key, item = ana.create_calendar("Held"), ana.create_calendar("Other"), str(uuid4()), str(uuid4())
    with held_by_a_process_that_stands_still(cluster, calendar):
        with locked(cluster, held), ThreadPoolExecutor(1) as pool:
            waits = pool.submit(at_node[0].put, held, "waits")
            wait_until(lambda: waiting_for_locks(cluster) == 1, what="the writer to wait for the lock")
            ana.put(other, "nobody else waits").raise_for_status()
            assert ana.feed(held).status_code == 200
            refused = waits.result()
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert refused.headers["Retry-After"] == "1"
        wait_until(
            lambda: ana.put(calendar, "waits", item=item, key=key).status_code == 201,
            what="the holder to lose its lock",
            timeout_seconds=100,  # ten times `idle_in_transaction_session_timeout`
        )
        assert revision_of(ana.head(calendar)) == 1, "what the holder began left no trace"


def test_the_log_is_pruned_around_what_somebody_holds(cluster: Cluster, ana: Program, calendar: str) -> None:
    """The deletion of a user locks such rows. Seen failing without SKIP LOCKED: pruning failed after `lock_timeout`."""
    for title in ("one", "two", "three"):
        ana.put(calendar, title).raise_for_status()
    log = "SELECT revision FROM calendar_live_changeset WHERE calendar_id = %s"
    with psycopg.connect(cluster.postgres.url) as holder:
        holder.execute(f"{log} AND revision = 1 FOR UPDATE", [calendar])
        cluster.manage("shell", "-c", PRUNE)
        left = [revision for (revision,) in holder.execute(f"{log} ORDER BY revision", [calendar])]
        assert left == [1, 3], "what is held goes the next time, and the newest stays"
