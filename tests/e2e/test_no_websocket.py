"""Tests pages behind a proxy that refuses WebSockets: requests are as fast and as safe, and end when a socket works."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from testbed.cluster import ROOT, Cluster
from tests.e2e.person import PATIENCE_MS, RECONNECT_MS, Person
from tests.e2e.watch import Watch

# Lets a test decide whether a tab is visible. Without a window, Chromium takes all tabs to be in front.
TABS: Final = """
Object.defineProperty(document, "visibilityState", { get: () => (window.isBehind ? "hidden" : "visible") });
window.setBehind = (isBehind) => {
  window.isBehind = isBehind;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""
MEMBERS: Final = """
from django.contrib.auth import get_user_model
from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import remove_member, set_role
team, ben = Calendar.objects.get(name="Team"), get_user_model().objects.get(username="ben")
"""

Arrive = Callable[[str], BrowserContext]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Yield two server processes behind an nginx that refuses WebSockets, with PostgreSQL, Redis and the demo data."""
    with Cluster(nodes=2, nginx={"refuse_websockets": True}) as cluster:
        cluster.manage("seed_demo")
        cluster.manage("collectstatic", "--no-input", "--verbosity", "0")
        yield cluster


@pytest.fixture(scope="module")
def sessions(cluster: Cluster) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.e2e.sign_in", "ana", "ben"]
    ran = subprocess.run(command, cwd=ROOT, env=cluster.environ, check=True, capture_output=True)
    made: dict[str, str] = json.loads(ran.stdout)["sessions"]
    return made


@pytest.fixture
def arrive(cluster: Cluster, sessions: dict[str, str], browser: Browser, watch: Watch) -> Iterator[Arrive]:
    """Yield a function that gives a user a browser context without a page. A complaint of a page fails the test."""
    watch.allow("WebSocket connection")
    contexts = []

    def bring(user: str) -> BrowserContext:
        context = browser.new_context(base_url=cluster.url, locale="en-GB", timezone_id="Asia/Manila")
        contexts.append(context)
        watch.attach(context, user)
        context.add_init_script(TABS)
        context.add_cookies([{"name": "sessionid", "value": sessions[user], "url": cluster.url}])
        return context

    yield bring
    for context in contexts:
        context.close()
    assert watch.complaints() == []


class Guest(Person):
    """A person whose waiting requests are counted."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        super().__init__(context.new_page(), url)
        self.turns = 0
        self.page.on("request", self._count)

    def _count(self, request: object) -> None:
        self.turns += str(getattr(request, "url", "")).endswith("/api/frames/")

    def lives_on(self, way: str, *, timeout_ms: float = RECONNECT_MS) -> Guest:
        """Wait until the page is live by a "socket" or by "requests", as its sign says."""
        self.wait_until_live(timeout_ms=timeout_ms)
        hint = re.compile("blocks WebSockets") if way == "requests" else re.compile(r"at once\.$")
        expect(self.page.locator("#connection")).to_have_attribute("title", hint, timeout=timeout_ms)
        return self

    def is_behind(self, hidden: bool) -> None:
        """Put the tab behind another, or in front of all others."""
        self.page.evaluate("hidden => window.setBehind(hidden)", hidden)


@pytest.fixture
def guests(arrive: Arrive, cluster: Cluster) -> tuple[Guest, Guest]:
    """Return Ana and Ben, whose pages are live by requests."""
    ana, ben = (Guest(arrive(user), cluster.url) for user in ("ana", "ben"))
    for guest in (ana, ben):
        guest.goto()
        guest.lives_on("requests")
    return ana, ben


def test_two_browsers_see_each_others_deletions_within_a_second_without_a_websocket(
    guests: tuple[Guest, Guest],
) -> None:
    """A request waits up to 25 s. An answer that comes only then is too late for `sees_nothing_of`, which waits 10 s.

    Seen failing with a client that never turns to requests, and with a hub that does not wake a waiting request.
    """
    ana, ben = guests
    items = [
        ana.creates(
            f"Item {number}", start=f"2027-03-{number + 1:02}T02:00:00Z", end=f"2027-03-{number + 1:02}T03:00:00Z"
        )
        for number in range(10)
    ]
    for item in items:
        ana.sees(item)
        ben.sees(item)
    feeds = [len(person.feeds) for person in (ana, ben)]
    for number, item in enumerate(items):
        actor, watcher = (ana, ben) if number % 2 else (ben, ana)
        actor.deletes(item)
        watcher.sees_nothing_of(item)
        actor.sees_nothing_of(item)
    assert [len(person.feeds) for person in (ana, ben)] == feeds, "nothing is fetched again"


def test_a_member_who_is_removed_loses_the_calendar_at_once_and_who_is_let_in_has_it_at_once(
    guests: tuple[Guest, Guest], cluster: Cluster
) -> None:
    """Seen failing with a waiting request that does not check the rights when it is asked to."""
    ana, ben = guests
    item = ana.creates("For members")
    ben.sees(item)
    cluster.manage("shell", "--no-imports", "-c", f"{MEMBERS}remove_member(team, member=ben)")
    ben.sees_nothing_of(item)
    expect(ben.page.locator("#calendars .calendar-row", has_text="Team")).to_have_count(0, timeout=PATIENCE_MS)
    cluster.manage("shell", "--no-imports", "-c", f"{MEMBERS}set_role(team, member=ben, role=Role.EDITOR)")
    ben.sees(item)
    ana.deletes(item)
    ben.sees_nothing_of(item)


def test_seven_tabs_of_one_browser_do_not_take_all_its_connections(arrive: Arrive, cluster: Cluster) -> None:
    """A browser opens at most six connections to a site. Seen failing when hidden tabs keep their requests waiting."""
    ana, context = Guest(arrive("ana"), cluster.url), arrive("ben")
    ana.goto()
    item = ana.creates("Seven times")
    tabs: list[Guest] = []
    for _ in range(7):
        if tabs:
            tabs[-1].is_behind(True)
        tab = Guest(context, cluster.url)
        tab.goto()
        tab.lives_on("requests")
        tab.sees(item)
        tabs.append(tab)
    ana.deletes(item)
    tabs[-1].sees_nothing_of(item)
    turns = tabs[0].turns
    tabs[-1].is_behind(True)
    tabs[0].is_behind(False)
    tabs[0].sees_nothing_of(item)
    assert tabs[0].turns > turns, "it asks at once"
    made = tabs[0].creates("By hand")
    tabs[0].sees(made)
    tabs[0].deletes_in_dialog(made)
    tabs[0].sees_nothing_of(made)


@pytest.mark.parametrize("way_out", [signal.SIGTERM, signal.SIGKILL], ids=["in_turn", "all_at_once"])
def test_pages_live_on_when_their_processes_end_while_they_wait(
    guests: tuple[Guest, Guest], cluster: Cluster, watch: Watch, way_out: signal.Signals
) -> None:
    """The pages miss nothing and fetch nothing again. Seen failing when a lost request stops the page.

    `connection.test.ts` checks, with a clock of its own, how rarely pages ask in the meantime.
    """
    watch.allow("status of 50[24]")
    ana, ben = guests
    gone = ana.creates("Gone meanwhile")
    ben.sees(gone)
    feeds = len(ben.feeds)
    for node in cluster.nodes:
        node.stop(way_out)
        if way_out == signal.SIGTERM:  # one process after the other; SIGKILL ends both at once
            node.start()
    for node in cluster.nodes:
        if not node.runs:
            node.start()
    ana.deletes(gone)
    ben.lives_on("requests")
    ben.sees_nothing_of(gone)
    assert len(ben.feeds) == feeds


def test_pages_return_to_websockets_when_the_proxy_lets_them_through(
    guests: tuple[Guest, Guest], cluster: Cluster
) -> None:
    """Seen failing when pages on requests never try a WebSocket."""
    ana, ben = guests
    first = ana.creates("First")
    ben.sees(first)
    feeds = [len(guest.feeds) for guest in guests]
    cluster.nginx.conf["refuse_websockets"] = False
    try:
        cluster.nginx.reload()
        for guest in guests:
            guest.lives_on("socket", timeout_ms=120_000)  # pages try less and less often, but at least once a minute
        turns = [guest.turns for guest in guests]
        ana.deletes(first)
        ben.sees_nothing_of(first)
        second = ben.creates("Second")
        ana.sees(second)
        assert [guest.turns for guest in guests] == turns, "requests have ended"
        assert [len(guest.feeds) for guest in guests] == feeds, "nothing is fetched again"
    finally:
        cluster.nginx.conf["refuse_websockets"] = True
        cluster.nginx.reload()
