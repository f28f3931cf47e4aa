"""Where WebSockets are refused, two browsers still see what the other does at once; when they are let through, the pages return to them."""

from __future__ import annotations

import time

import pytest

from tests.e2e.conftest import Visit
from tests.e2e.person import Person, Refusal
from tests.e2e.watch import Watch
from tests.waiting import wait_until

# What is promised is a second; a loaded machine gets ten. Most of a wait is 25: an answer that only its end brings is too late.
PROMISE_SECONDS = 10


@pytest.fixture
def refused(visit: Visit, watch: Watch) -> tuple[Person, Person, Refusal]:
    """Two pages in a network that refuses WebSockets."""
    watch.allow("WebSocket connection")
    refusal = Refusal()
    people = []
    for name in ("ana", "ben"):
        person = visit(name)
        refusal.stand_before(person.page)
        people.append(person.goto())
    return people[0], people[1], refusal


def test_two_browsers_see_each_others_deletions_at_once_without_a_websocket(
    refused: tuple[Person, Person, Refusal],
) -> None:
    """Fails when the client never turns to requests, or when a waiting request is not woken by the hub."""
    ana, ben, refusal = refused
    items = [ana.creates(f"Item {number}") for number in range(2)]
    for item in items:
        ana.sees(item)
        ben.sees(item)
    feeds = [len(person.feeds) for person in (ana, ben)]
    for actor, watcher, item in ((ana, ben, items[0]), (ben, ana, items[1])):
        actor.deletes_in_dialog(item)
        started = time.monotonic()
        watcher.sees_nothing_of(item)
        assert time.monotonic() - started < PROMISE_SECONDS
        actor.sees_nothing_of(item)
    assert [len(person.feeds) for person in (ana, ben)] == feeds, "nothing is fetched again"
    assert refusal.opened == 0


def test_pages_return_to_websockets_when_they_are_let_through(refused: tuple[Person, Person, Refusal]) -> None:
    """Fails when no WebSocket is tried beside the requests, or its hello changes nothing."""
    ana, ben, refusal = refused
    first = ana.creates("First")
    ben.sees(first)
    feeds = len(ben.feeds)
    refusal.refuses = False
    wait_until(
        lambda: ben.page.evaluate("1") and ana.page.evaluate("1") and refusal.opened >= 2,
        what="both pages on WebSockets",
        timeout_seconds=90,
        interval_seconds=0.05,
    )
    for person in (ana, ben):
        person.wait_until_live()
    turns = refusal.turns
    ana.deletes(first)
    ben.sees_nothing_of(first)
    second = ben.creates("Second")
    ana.sees(second)
    assert refusal.turns == turns, "requests have ended"
    assert len(ben.feeds) == feeds, "nothing is fetched again"
