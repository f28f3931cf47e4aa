"""Tests that a page whose socket was cut is right again: by a replay if the log knows its state, else by a reset."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from testbed.waiting import wait_until
from tests.e2e.conftest import Visit
from tests.e2e.person import DAY, PATIENCE_MS, RECONNECT_MS, Cable, Gate, Person, refuse_websockets
from tests.e2e.site import Site
from tests.e2e.watch import Watch

SERVER_AWAY = "ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection"

PRUNE = """
from datetime import timedelta
from django.utils import timezone
from calendar_live import changelog
changelog.prune(before=timezone.now() + timedelta(days=1))
"""


@pytest.fixture
def wired(visit: Visit) -> tuple[Person, Cable]:
    """Return Ben, and the cable that connects his page to the server."""
    ben, cable = visit("ben"), Cable()
    cable.plug_into(ben.page)
    return ben.goto(), cable


def _waits_for_trouble(person: Person) -> None:
    person.page.wait_for_selector("#connection[data-look=waiting]", timeout=10_000)


def test_a_cut_socket_catches_up_by_replay_without_a_feed_request(owner: Person, wired: tuple[Person, Cable]) -> None:
    """Ben's page misses three changes in five seconds. Its sign says that there is trouble, then that it is over."""
    ben, cable = wired
    changed, gone = owner.creates("Old title"), owner.creates("Gone")
    ben.sees(changed)
    ben.sees(gone)
    before = len(ben.feeds)
    cable.cut()
    owner.changes(changed, title="New title")
    owner.deletes(gone)
    new = owner.creates("New")
    _waits_for_trouble(ben)
    ben.page.wait_for_function(  # the test is about these five seconds
        "since => performance.now() > since + 5_000", arg=ben.page.evaluate("performance.now()"), timeout=60_000
    )
    ben.sees(changed, "Old title")
    cable.mend()
    ben.wait_until_live(timeout_ms=RECONNECT_MS)
    ben.sees(changed, "New title")
    ben.sees(new)
    ben.sees_nothing_of(gone)
    assert len(ben.feeds) == before


@pytest.mark.parametrize("way", ["socket", "requests"])
def test_a_page_that_is_back_is_sent_no_more_than_its_rights_of_now_show(
    owner: Person, visit: Visit, way: str, watch: Watch
) -> None:
    """A viewer's role becomes free/busy while they are away. Seen failing when the replay uses their earlier rights."""
    cara, cable = visit("cara"), Cable()
    cable.plug_into(cara.page)
    if way == "requests":
        refuse_websockets(cara.page)
    cara.goto()
    shown = owner.creates("Open then")
    cara.sees(shown, "Open then")
    cable.cut()
    owner.changes(shown, title="Kestrel renamed", description="Kestrel described")
    private = owner.creates("Kestrel private", visibility="private", start=f"{DAY}T04:00:00Z", end=f"{DAY}T05:00:00Z")
    secret = owner.creates("Kestrel secret", visibility="secret")
    member = cara.page.evaluate("JSON.parse(document.getElementById('page-data').textContent).userId")
    path = f"/api/calendars/{owner.calendar()}/members/{member}/"
    assert owner.call("PATCH", path, data={"role": "freebusy"}).ok
    _waits_for_trouble(cara)
    cable.received.clear()
    cable.mend()
    cara.wait_until_live(timeout_ms=RECONNECT_MS)
    for item in (shown, private):
        cara.sees(item, "Busy")
    cara.sees_nothing_of(secret)
    assert cable.received, "it was sent something"
    received = " ".join([*cable.received, cara.page.content()])
    assert [one for one in ("Kestrel", "Open then", secret) if one in received] == []


def test_a_page_whose_network_is_gone_says_so_at_once(owner: Person, ben: Person, watch: Watch) -> None:
    """Seen failing when the page waits until its socket, which nobody closes, is silent: it said "Live" for 43 s."""
    watch.allow("ERR_INTERNET_DISCONNECTED")
    before = len(ben.feeds)
    ben.page.context.set_offline(True)
    new = owner.creates("New")
    _waits_for_trouble(ben)
    expect(ben.page.locator("#connection")).to_have_text("Offline")
    ben.sees_nothing_of(new)
    ben.page.context.set_offline(False)
    ben.wait_until_live()
    ben.sees(new)
    assert len(ben.feeds) == before


def test_a_month_that_cannot_be_loaded_is_not_shown_as_an_empty_one(owner: Person, ben: Person, watch: Watch) -> None:
    """Seen failing without `noteNotLoaded`."""
    watch.allow("ERR_INTERNET_DISCONNECTED")
    item = owner.creates(start="2027-05-17T02:00:00Z", end="2027-05-17T03:00:00Z")
    line = ben.page.locator("#not-loaded")
    ben.page.context.set_offline(True)
    _waits_for_trouble(ben)
    expect(line).to_be_hidden()  # the month on screen was loaded
    for _ in range(2):
        ben.page.locator("[data-move=next]").click()
    expect(line).to_contain_text("there is no connection", timeout=PATIENCE_MS)
    ben.page.context.set_offline(False)
    ben.wait_until_live(timeout_ms=RECONNECT_MS)
    ben.sees(item)
    expect(line).to_be_hidden()


def _forget_the_past(site: Site) -> None:
    """Prune the log, and restart the process, which would replay the pruned change sets from memory for a minute."""
    site.manage("shell", "--no-imports", "-c", PRUNE)
    site.stop()
    site.start()


def test_a_page_whose_state_was_pruned_starts_anew(
    owner: Person, wired: tuple[Person, Cable], site: Site, watch: Watch
) -> None:
    watch.allow(SERVER_AWAY)
    ben, cable = wired
    gone = owner.creates("Gone")
    ben.sees(gone)
    cable.cut()
    owner.deletes(gone)
    new = owner.creates("New")
    _forget_the_past(site)
    before = len(ben.feeds)
    cable.mend()
    ben.wait_until_live(timeout_ms=RECONNECT_MS)
    ben.sees(new)
    ben.sees_nothing_of(gone)
    assert len(ben.feeds) > before


def test_a_refetch_under_way_does_not_bring_a_deleted_item_back(
    owner: Person, visit: Visit, site: Site, watch: Watch
) -> None:
    """After a reset, the page requests everything again; the item is deleted while the answer is held. Invariant 4."""
    watch.allow(SERVER_AWAY)
    ben, cable, gate = visit("ben").watch_texts(), Cable(), Gate(closed=False)
    cable.plug_into(ben.page)
    gate.stand_before(ben.page)
    ben.goto()
    item, stays = owner.creates("Comes back?"), owner.creates("Stays")
    ben.sees(item)
    cable.cut()
    owner.changes(stays, title="Stays on")
    _forget_the_past(site)
    gate.closed = True
    cable.mend()
    wait_until(
        lambda: ben.page.evaluate("1") and any("Comes back?" in answer.text() for _, answer in gate.held),
        what="an answer with the item, held",
        timeout_seconds=RECONNECT_MS / 1_000,
        interval_seconds=0.05,
    )
    owner.deletes(item)
    ben.sees_nothing_of(item)
    ben.page.evaluate("window.forgetShown()")
    gate.open()
    ben.sees(stays, "Stays on")
    ben.sees_nothing_of(item)
    assert not ben.ever_saw("Comes back?")


@pytest.mark.parametrize("overtakes", [False, True], ids=["shorter history", "longer history"])
def test_pages_are_right_after_the_database_was_put_back(
    ana: Person, ben: Person, site: Site, tmp_path: Path, overtakes: bool, watch: Watch
) -> None:
    """Invariant 6: revisions of the lost history may occur again in the new one, but with other nonces.

    Seen failing when the hub and the log compare revisions without their nonces.
    """
    watch.allow(SERVER_AWAY)
    kept = ana.creates("Kept")
    copy = tmp_path / "copy.sqlite3"
    site.copy_database(copy)
    lost = [ana.creates(f"Lost {number}") for number in range(2)]
    ana.deletes(kept)
    ben.sees(lost[1])
    ben.sees_nothing_of(kept)
    site.stop()
    site.put_back(copy)
    for person in (ana, ben):
        _waits_for_trouble(person)
    site.start()
    days = range(15, 20 if overtakes else 16)
    new = [ana.creates(start=f"2027-03-{day}T02:00:00Z", end=f"2027-03-{day}T03:00:00Z") for day in days]
    for person in (ana, ben):
        person.wait_until_live(timeout_ms=RECONNECT_MS)
        for item in (kept, *new):
            person.sees(item)
        for item in lost:
            person.sees_nothing_of(item)


def test_a_site_that_restarts_finds_its_pages_again(owner: Person, ben: Person, site: Site, watch: Watch) -> None:
    watch.allow(SERVER_AWAY)
    gone = owner.creates("Gone")
    ben.sees(gone)
    before = len(ben.feeds)
    site.stop()
    _waits_for_trouble(ben)
    site.start()
    owner.deletes(gone)
    ben.wait_until_live(timeout_ms=RECONNECT_MS)
    ben.sees_nothing_of(gone)
    assert len(ben.feeds) == before


def test_what_an_operator_imports_appears_on_open_pages(visit: Visit, site: Site) -> None:
    """Another process writes, and the in-memory layer does not carry its broadcast: the head check finds the change."""
    ben = visit("ben").goto("/?view=month&date=2030-12-15")
    assert ben.page.locator("#calendar [data-item]").count() == 0
    before = len(ben.feeds)
    site.manage("import_holidays", "--country", "PH", "--years", "2030")
    wait_until(
        lambda: ben.page.locator("#calendar [data-item]", has_text="Christmas Day").count() == 1,
        what="Christmas",
        timeout_seconds=15,
        interval_seconds=0.05,
    )
    assert len(ben.feeds) == before


def test_a_signed_out_page_says_so(ana: Person, visit: Visit) -> None:
    ben = visit("ben").goto()
    ben.page.context.clear_cookies(name="sessionid")
    ben.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    ben.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    ben.page.wait_for_selector("#connection[data-look=lost]", timeout=10_000)
    assert ben.page.locator("#connection a").inner_text() == "Sign in"
