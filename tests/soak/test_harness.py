"""Tests that the soak's own checks can fail: they notice a changed answer, a lost log row and a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import httpx
import pytest

from soak import seed
from soak.book import Book, Mutation, faults_in_log, read_log
from soak.complaints import counted, unexplained
from soak.run import fill, pages
from soak.world import KINDS, World
from soak.writers import Writers
from testbed.cluster import Cluster
from testbed.farm import Client, Farm, now_ms
from testbed.waiting import wait_until

KEY, OTHER = UUID(int=1), UUID(int=2)


def acknowledged(key: UUID, **states: str) -> Mutation:
    return Mutation(key, "edit", 1, states)


@pytest.mark.parametrize(
    ("mutation", "log", "what"),
    [
        (acknowledged(KEY, c="2.a"), [], "the log has []"),
        (acknowledged(KEY, c="2.a"), [("c", KEY, "2.b")], "the log has [('c', '2.b')]"),
        (acknowledged(KEY, c="2.a"), [("c", KEY, "2.a"), ("c", KEY, "3.b")], "('c', '3.b')"),
        (acknowledged(KEY, c="2.a", d="5.a"), [("c", KEY, "2.a")], "d"),
        (Mutation(KEY, "edit", 1, refused=412), [("c", KEY, "2.a")], "refused with 412"),
        (Mutation(KEY, "edit", 9), [], "never had an answer"),
        (acknowledged(KEY, c="2.a"), [("c", KEY, "2.a"), ("c", OTHER, "3.b")], "nobody wrote"),
    ],
)
def test_the_book_notices_a_log_that_is_not_what_was_answered(
    mutation: Mutation, log: list[tuple[str, UUID, str]], what: str
) -> None:
    (fault,) = faults_in_log([mutation], log)
    assert what in fault


def test_the_book_is_content_with_a_log_that_is_what_was_answered() -> None:
    mutations = [acknowledged(KEY, c="2.a", d="5.b"), Mutation(OTHER, "edit", 1, refused=404)]
    assert faults_in_log(mutations, [("d", KEY, "5.b"), ("c", KEY, "2.a")]) == []


LOG = """
2026-11-25 ERROR Internal Server Error: /api/
Traceback (most recent call last):
  File "x.py", line 1, in get
psycopg.errors.AdminShutdown: terminating connection

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "y.py", line 2, in view
django.db.utils.OperationalError: terminating connection
2026-11-25 ERROR something
Traceback (most recent call last):
  File "z.py", line 3, in hub
KeyError: 'c'
2026-11-25 ERROR The hub's task 'listen' ended; it is started again
Traceback (most recent call last):
  File "listener.py", line 4, in _try_ears
calendar_live.live.listener.DeafError: Nothing comes from the channel layer
"""


def test_a_chain_of_tracebacks_is_one_and_what_a_broken_part_does_not_explain_is_found() -> None:
    assert counted([LOG]) == {
        "django.db.utils.OperationalError: terminating connection": 1,
        "KeyError: 'c'": 1,
        "calendar_live.live.listener.DeafError: Nothing comes from the channel layer": 1,
    }
    ((end, (count, first)),) = unexplained([LOG]).items()
    assert (end, count) == ("KeyError: 'c'", 1)
    assert first.startswith("2026-11-25 ERROR something\nTraceback")


def test_writers_choose_every_kind_of_write_and_only_where_they_may_edit() -> None:
    items = {str(uuid4()): [(str(uuid4()), "1.0") for _ in range(60)] for _ in range(3)}
    mine = sorted(items)[:2]
    member = seed.Member("ana", "", dict.fromkeys(mine, "editor") | {sorted(items)[2]: "viewer"})
    world, dice = World(seed.Cast([member], items)), Random(1)
    calls = []
    for number in range(400):
        call = world.choose(member, dice)
        calls.append(call)
        world.done(call, states=dict.fromkeys(mine, f"{number}.0"))
    assert {call.kind for call in calls} == set(KINDS)
    assert {call.calendar for call in calls} == set(mine)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Yield a site of one process, without Redis."""
    with Cluster(nodes=1, redis=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def cast(cluster: Cluster) -> seed.Cast:
    return fill(cluster, people=6, items=20)


@pytest.fixture
def farm(cluster: Cluster, tmp_path: Path) -> Iterator[Farm]:
    with Farm(cluster.url, log=tmp_path / "farm.log") as farm:
        yield farm


def editor_of(cast: seed.Cast, client: Client) -> tuple[seed.Member, str]:
    """Return an editor and one of the client's calendars in which they edit."""
    return next(
        (member, calendar)
        for calendar in client.calendars
        for member in cast.members
        if member.roles[calendar] == "editor"
    )


def delete_one(cluster: Cluster, cast: seed.Cast, client: Client) -> tuple[str, str, str]:
    """Delete an item that the client shows. Return its calendar, its id, and the calendar's new state."""
    member, calendar = editor_of(cast, client)
    headers = {"Cookie": member.cookies, "X-CSRFToken": seed.CSRF, "Origin": cluster.url}
    month = {"start": seed.MONTH_START.isoformat(), "end": seed.MONTH_END.isoformat()}
    with httpx.Client(base_url=cluster.url, headers=headers, timeout=30) as site:
        items = site.get(f"/api/calendars/{calendar}/feed/", params=month).json()
        item = next(one["id"] for one in items if one["visibility"] == "normal")
        gone = site.delete(f"/api/calendars/{calendar}/items/{item}/").raise_for_status()
    return calendar, item, gone.headers["Calendar-State"]


@pytest.mark.parametrize("way", ["socket", "requests", "mixed"])
def test_every_kind_of_client_shows_a_deletion_and_equals_a_fresh_feed(
    cluster: Cluster, cast: seed.Cast, farm: Farm, way: str
) -> None:
    clients = pages(cast, count=6, ways=(way,))  # type: ignore[arg-type]  # one of the parameters above
    farm.open(clients)
    farm.await_whole()
    calendar, item, state = delete_one(cluster, cast, clients[0])
    farm.acknowledged([(calendar, state, now_ms())])
    found = farm.compare()
    assert (found.compared, found.differences) == (18, [])
    stats = farm.stats()
    assert all(
        item not in one["calendars"][calendar]["items"]
        for one in farm.snapshot().values()
        if calendar in one["calendars"]
    )
    assert stats["lags"]["connected"]["count"] == sum(calendar in client.calendars for client in clients)
    assert (stats["violations"], farm.violations, farm.complaints) == (0, [], [])
    assert way != "requests" or farm.status()["over"] == {"socket": 0, "requests": 6}


def test_a_client_that_was_not_told_of_a_deletion_is_noticed(cluster: Cluster, cast: seed.Cast, farm: Farm) -> None:
    (client,) = pages(cast, count=1)
    farm.open([client])
    farm.await_whole()
    farm.tamper([client.name], find='"destroyed":\\["[^\\]]*\\]', replace='"destroyed":[]')
    calendar, item, state = delete_one(cluster, cast, client)
    farm.acknowledged([(calendar, state, now_ms())])
    wait_until(lambda: farm.snapshot()[client.name]["calendars"][calendar]["cursor"] == state, what="it to be told")
    (difference,) = farm.compare(timeout_seconds=0).differences
    assert (difference["client"], difference["calendar"]) == (client.name, calendar)
    assert item in difference["what"]


def test_a_state_that_nobody_made_is_a_violation(cluster: Cluster, cast: seed.Cast, farm: Farm) -> None:
    (client,) = pages(cast, count=1)
    farm.open([client])
    farm.await_whole()
    calendar, _, state = delete_one(cluster, cast, client)
    farm.compare()
    farm.acknowledged([(calendar, state.partition(".")[0] + ".0000000000000000", now_ms())])
    assert [one["rule"] for one in farm.violations] == ["6: one history"]


def test_an_item_that_comes_back_is_a_violation(cluster: Cluster, cast: seed.Cast, farm: Farm) -> None:
    (client,) = pages(cast, count=1)
    farm.open([client])
    farm.await_whole()
    calendar, item, state = delete_one(cluster, cast, client)
    farm.acknowledged([(calendar, state, now_ms())])
    assert farm.compare().differences == []
    busy = {
        "id": item,
        "calendar": calendar,
        "state": state,
        "start": "2026-11-10T09:00:00Z",
        "end": "2026-11-10T10:00:00Z",
        "allDay": False,
        "timeZone": "UTC",
        "rrule": None,
        "exdates": [],
        "busy": True,
    }
    revision = int(state.partition(".")[0])
    new = f"{revision + 1}.{'0' * 16}"
    farm.inject(
        [client.name],
        {"type": "changes", "calendar": calendar, "oldState": state, "newState": new, "more": False}
        | {"upserted": [busy], "destroyed": [], "actor": None, "mutationId": None},
    )
    wait_until(lambda: farm.violations, what="the violation")
    assert "4: what was removed does not come back" in {one["rule"] for one in farm.violations}
    assert farm.violations[0]["frames"]


def test_a_write_is_retried_under_its_key_until_it_is_answered(cluster: Cluster, cast: seed.Cast) -> None:
    book = Book()
    node = cluster.nodes[0]
    with Writers(cast.members, site=cluster.url, world=World(cast), book=book, per_second=20, seed=1) as writers:
        wait_until(lambda: len(book.mutations()) > 10, what="writes", timeout_seconds=30)
        node.stop()
        wait_until(lambda: book.failures["502"] > 3, what="writes in vain", timeout_seconds=30)
        node.start()
        writers.pause()
    assert writers.errors == []
    mutations = book.mutations()
    assert any(one.attempts > 1 and one.states for one in mutations)
    assert faults_in_log(mutations, read_log(cluster.postgres.url)) == []
