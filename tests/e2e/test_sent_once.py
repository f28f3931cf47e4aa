"""Tests that a form that is submitted twice, by Enter or by a double click, is sent once, and reports no failure."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.e2e.conftest import PageFor
from tests.e2e.person import PATIENCE_MS, Person, middle
from tests.e2e.share import listed, opens_people
from tests.e2e.share_links import links_of, opens_links
from tests.e2e.watch import Watch


class Held:
    """Holds back the POST requests to an address until the test decides about them."""

    def __init__(self, page: Page, pattern: str) -> None:
        self._waiting: list[Route] | None = []
        self.posted = 0
        page.route(pattern, self._hold)

    def _hold(self, route: Route) -> None:
        self.posted += route.request.method == "POST"
        if self._waiting is None or route.request.method != "POST":
            route.fallback()
        else:
            self._waiting.append(route)

    def let_go(self) -> None:
        """Send on the requests that wait, and every later request."""
        waiting, self._waiting = self._waiting, None
        for route in waiting or ():
            route.fallback()

    def refuse(self) -> None:
        """Answer the requests that wait as a busy server does, and send on every later request."""
        waiting, self._waiting = self._waiting, None
        for route in waiting or ():
            route.fulfill(status=503, json={"code": "unavailable", "detail": "Try again."})


def sends_twice(page: Page, field: Locator, button: Locator, pattern: str) -> Held:
    """Press Enter twice in a field, and double-click its form's button, which is busy and keeps the focus."""
    held = Held(page, pattern)
    field.press("Enter")
    expect(button).to_have_attribute("aria-busy", "true", timeout=PATIENCE_MS)
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(field).to_be_focused()
    field.press("Enter")
    button.dblclick(force=True)  # a person clicks without waiting until the button is enabled
    expect(button).to_be_focused()
    return held


def test_a_form_of_the_page_that_is_sent_twice_makes_one_thing_and_no_complaint(ana: Person) -> None:
    """Seen failing without a guard on the page: it sent four requests for a calendar."""
    page = ana.page
    page.get_by_role("button", name="New calendar").click()
    dialog = page.locator("#calendar-dialog")
    dialog.get_by_label("Name").fill("Launch")
    held = sends_twice(page, dialog.get_by_label("Name"), dialog.locator("[data-save]"), "**/api/calendars/")
    held.let_go()
    expect(listed(ana, "Launch")).to_have_count(1, timeout=PATIENCE_MS)
    expect(dialog).to_be_hidden()
    assert held.posted == 1
    assert [one["name"] for one in ana.call("GET", "/api/calendars/").json()].count("Launch") == 1

    page.locator("[data-new]:visible").first.click()
    form = page.locator("#item-dialog form")
    form.locator("[name=title]").fill("Kick-off")
    held = sends_twice(page, form.locator("[name=title]"), form.locator("[data-save]"), "**/items/new/")
    held.let_go()
    expect(page.locator("#item-dialog")).to_be_hidden(timeout=PATIENCE_MS)
    assert held.posted == 1

    share = opens_people(ana, "Launch")
    to = share.locator("[name=to]")
    to.fill("ben")
    held = sends_twice(page, to, share.get_by_role("button", name="Add", exact=True), "**/members/")
    held.let_go()
    expect(ana.toast("Ben")).to_be_visible(timeout=PATIENCE_MS)
    expect(share.locator("[data-members] .share-row")).to_have_count(2, timeout=PATIENCE_MS)
    expect(share.locator("#share-to-error")).to_be_hidden()
    assert held.posted == 1


def test_a_refused_form_may_be_sent_again(ana: Person, watch: Watch) -> None:
    """Seen failing without a guard on the page: it sent four requests."""
    watch.allow("status of 503")
    dialog = opens_links(ana)
    dialog.get_by_role("button", name="New public link").click()
    form = dialog.locator("[data-new-link]")
    name, create = form.get_by_label("Name"), form.get_by_role("button", name="Create link")
    name.fill("Website")
    held = sends_twice(ana.page, name, create, "**/links/")
    assert held.posted == 1
    held.refuse()
    expect(dialog.locator("[data-problem]")).to_be_visible(timeout=PATIENCE_MS)
    expect(create).not_to_have_attribute("aria-disabled", "true")
    create.click()
    expect(dialog.locator("[data-links] .share-row")).to_have_count(1, timeout=PATIENCE_MS)
    assert [link["name"] for link in links_of(ana)] == ["Website"]


def test_who_signs_in_by_two_clicks_is_signed_in(page_for: PageFor) -> None:
    """The second request would have the CSRF token from before the sign-in.

    Seen failing without a guard on the page: it sent two requests.
    """
    page = page_for(None, "/login/")
    posted: list[Request] = []
    page.on("request", lambda request: posted.append(request) if request.method == "POST" else None)
    page.get_by_label("User name").fill("ben")
    page.get_by_label("Password").fill("demo")
    button = page.get_by_role("button", name="Sign in")
    place = middle(button)
    with page.expect_request(lambda request: request.method == "POST"):
        button.click(no_wait_after=True)
    page.mouse.click(*place)  # a person's second click does not wait for the page
    expect(page.locator("#calendar")).to_be_visible(timeout=PATIENCE_MS)
    assert len([request for request in posted if request.url.endswith("/login/")]) == 1
