"""Tests that a deleted item never comes back: not by a reload, by navigation, or by an answer that was under way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from testbed.waiting import wait_until
from tests.e2e.conftest import Visit
from tests.e2e.person import MONTH, PATIENCE_MS, Gate, Person


def test_a_deleted_item_is_gone_at_once_and_after_a_reload(ana: Person, ben: Person) -> None:
    item = ana.creates()
    ana.sees(item)
    ben.sees(item)
    ana.deletes_in_dialog(item)
    ben.sees_nothing_of(item)
    for person in (ana, ben):
        person.page.reload()
        person.wait_until_live()
        person.sees_nothing_of(item)


def test_feed_requests_and_answers_forbid_every_cache(owner: Person, ben: Person) -> None:
    """The test navigates to cause a request, because a deletion itself causes none."""
    item = owner.creates()
    ben.sees(item)
    before = len(ben.feeds)
    owner.deletes(item)
    ben.sees_nothing_of(item)
    assert len(ben.feeds) == before
    ben.page.locator("[data-move=next]").click()
    wait_until(lambda: len(ben.feeds) > before, what="a feed request", interval_seconds=0.05)
    ben.wait_until_live()
    for request in ben.feeds[before:]:
        sent = request.all_headers()
        assert (sent["cache-control"], sent["pragma"]) == ("no-cache", "no-cache")
        response = request.response()
        assert response is not None
        assert "no-store" in response.headers["cache-control"]
        assert not response.from_service_worker


def test_a_deleted_item_stays_gone_when_one_leaves_the_month_and_returns(owner: Person, ben: Person) -> None:
    item = owner.creates()
    ben.sees(item)
    ben.page.locator("[data-move=next]").click()
    ben.page.locator("[data-move=next]").click()
    ben.wait_until_live()
    owner.deletes(item)
    before = len(ben.feeds)
    ben.page.locator("[data-move=prev]").click()
    ben.page.locator("[data-move=prev]").click()
    expect(ben.page.locator("#view-title")).to_have_text("March 2027", timeout=PATIENCE_MS)
    ben.wait_until_live()
    ben.sees_nothing_of(item)
    # The page may have given up its request for the month in between, which then has no answer.
    answers = [answer for answer in (request.response() for request in ben.feeds[before:]) if answer is not None]
    assert answers
    for answer in answers:
        assert answer.status == 304 or item not in answer.text()


def _load(person: Person, gate: Gate) -> None:
    gate.stand_before(person.page)
    person.page.goto(MONTH)


def _navigate(person: Person, gate: Gate) -> None:
    person.goto("/?view=month&date=2027-05-15")
    gate.stand_before(person.page)
    person.page.locator("[data-move=prev]").click()
    person.page.locator("[data-move=prev]").click()


def _toggle(person: Person, gate: Gate) -> None:
    """Switch a calendar off, go to another month, which the page must request, and switch the calendar on again."""
    person.goto("/?view=month&date=2027-05-15")
    toggle = person.page.locator(".calendar-toggle", has_text="Team")
    toggle.click()
    gate.stand_before(person.page)
    person.page.locator("[data-move=prev]").click()
    person.page.locator("[data-move=prev]").click()
    toggle.click()


def _refetch(person: Person, gate: Gate) -> None:
    """Reload the page, so that it requests everything again."""
    person.goto()
    gate.stand_before(person.page)
    person.page.reload()


MOMENTS: dict[str, Callable[[Person, Gate], None]] = {
    "on the first load": _load,
    "on navigation": _navigate,
    "when a calendar is switched on": _toggle,
    "on a reload": _refetch,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_answer_under_way_does_not_bring_a_deleted_item_back(ana: Person, visit: Visit, moment: str) -> None:
    """The race: the server answers with the item, then the item is deleted, and only then does the answer arrive.

    Invariant 4. Seen failing when a feed's rows replace the store without a check of the known revisions (rule C5).
    """
    item, stays = ana.creates("Comes back?"), ana.creates("Stays")
    ben = visit("ben").watch_texts()
    gate = Gate()
    MOMENTS[moment](ben, gate)
    wait_until(
        lambda: ben.page.evaluate("1") and any("Comes back?" in answer.text() for _, answer in gate.held),
        what="an answer with the item, held",
        interval_seconds=0.05,
    )
    ana.deletes(item)
    ana.sees_nothing_of(item)
    gate.open()
    ben.wait_until_live()
    ben.sees(stays)
    ben.sees_nothing_of(item)
    assert not ben.ever_saw("Comes back?")


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_answer_under_way_does_not_bring_an_old_title_back(ana: Person, visit: Visit, moment: str) -> None:
    item = ana.creates("Old title")
    ben = visit("ben").watch_texts()
    gate = Gate()
    MOMENTS[moment](ben, gate)
    wait_until(
        lambda: ben.page.evaluate("1") and any("Old title" in answer.text() for _, answer in gate.held),
        what="an answer with the item, held",
        interval_seconds=0.05,
    )
    ana.changes(item, title="New title")
    ana.sees(item, "New title")
    gate.open()
    ben.wait_until_live()
    ben.sees(item, "New title")
    assert not ben.ever_saw("Old title")
