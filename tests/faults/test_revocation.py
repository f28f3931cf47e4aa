"""Tests rights that end at another process than the page's: the page loses them in 1 s, or in 30 s without a notice."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from calendar_live import conf
from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.faults.people import Program
from tests.faults.redis_dead import killed
from tests.faults.revoking import (
    PROMISED_SECONDS,
    Subject,
    Tap,
    end_behind_its_back,
    end_by_the_application,
    listening,
    make_subjects,
)

UNTOLD_SECONDS: Final = 30
_LEAK: Final = "LEAK after the end"


@pytest.fixture
def without_heartbeats(cluster: Cluster) -> Iterator[Cluster]:
    """Yield the cluster. Its first process checks rights only when it is asked to, or when they expire."""
    node, own = cluster.nodes[0], cluster.nodes[0]._environ
    node.stop(signal.SIGKILL)
    node._environ = own | {
        "DJANGO_SETTINGS_MODULE": "testbed.serving_settings",
        "CALENDAR_LIVE": json.dumps({"HEARTBEAT_SECONDS": 3_600, "SILENCE_SECONDS": 3_600}),
    }
    node.start()
    yield cluster
    node._environ = own
    node.stop(signal.SIGKILL)


def await_narrowed(taps: Sequence[Tap], *, promised_seconds: float) -> None:
    """Wait until the taps are closed or narrowed. Raises TimeoutError that names those that are not."""
    left = [str(tap) for tap in taps]

    def all_narrowed() -> bool:
        left[:] = [str(tap) for tap in taps if tap.narrowed_at is None]
        return not left

    try:
        wait_until(all_narrowed, what="every tap to close", timeout_seconds=10 * promised_seconds)
    except TimeoutError as late:
        raise TimeoutError(f"{late}: {left}") from None


def nothing_more_is_heard(taps: Sequence[Tap], owner: Program, calendar: str, *, url: str) -> None:
    """Write something that none of the taps may hear. Check that none has heard it when the owner's page there has."""
    with listening(url, [Subject("nothing", "", session=owner.session)], calendar, ways=("socket",)) as [witness]:
        owner.put(calendar, _LEAK).raise_for_status()
        wait_until(lambda: _LEAK in "".join(witness.heard), what="the owner to hear of it")
    assert [str(tap) for tap in taps if _LEAK in "".join(tap.heard)] == []


def await_waiting(cluster: Cluster, count: int) -> None:
    wait_until(lambda: cluster.nodes[0].metrics()["calendar_live_polls"] >= count, what=f"{count} requests to wait")


def test_whatever_ends_rights_closes_the_tap_within_a_second(
    without_heartbeats: Cluster, at_node: list[Program], calendar: str
) -> None:
    """Invariant 7, by WebSocket and by requests. `python -m tests.faults.revoking` prints how long each way takes.

    Seen failing when no change of rights is announced, when no change of an account is, and without a timer for the end
    of a link.
    """
    cluster, owner, url = without_heartbeats, at_node[1], without_heartbeats.nodes[0].url
    subjects = make_subjects(cluster, owner, calendar, group="told")
    with listening(url, subjects, calendar) as taps:
        await_waiting(cluster, len(subjects))
        for one in subjects:  # in turn, because the notice of one act makes the process check the others, too
            end_by_the_application(cluster, owner, calendar, one)
            await_narrowed([tap for tap in taps if tap.subject is one], promised_seconds=PROMISED_SECONDS)
        nothing_more_is_heard(taps, owner, calendar, url=url)


def test_what_nobody_is_told_of_closes_the_tap_within_half_a_minute(
    cluster: Cluster, at_node: list[Program], calendar: str
) -> None:
    """Invariant 7, for rows changed by SQL and for notices that a dead Redis loses.

    The heartbeat and the longest wait are those of a site by default. Seen failing when a heartbeat does not check the
    rights.
    """
    assert max(conf.app.HEARTBEAT_SECONDS, conf.app.MAX_WAIT_SECONDS) < UNTOLD_SECONDS
    assert cluster.redis is not None
    owner, url = at_node[1], cluster.nodes[0].url
    by_sql = make_subjects(cluster, owner, calendar, group="sql")
    unheard = make_subjects(cluster, owner, calendar, group="unheard")
    unheard = [one for one in unheard if one.act != "expiry"]  # an expiry needs no notice
    with listening(url, [*by_sql, *unheard], calendar) as taps:
        await_waiting(cluster, len(by_sql) + len(unheard))
        for one in by_sql:
            end_behind_its_back(cluster, calendar, one)
        with killed(cluster.redis):
            for one in unheard:
                end_by_the_application(cluster, owner, calendar, one)
            await_narrowed(taps, promised_seconds=UNTOLD_SECONDS)
            nothing_more_is_heard(taps, owner, calendar, url=url)
