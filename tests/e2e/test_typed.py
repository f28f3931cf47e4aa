"""Tests that a page asks before it is reloaded, closed or left while typed text is not saved, and only then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from testbed.waiting import wait_until
from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.share import listed, opens_calendar, opens_people
from tests.e2e.share_links import creates_link, opens_links


def item(person: Person) -> Locator:
    made = person.creates("Long text")
    person.sees(made)
    return person.opens(made).locator("[name=description]")


def new_item(person: Person) -> Locator:
    person.page.locator("[data-new]:visible").first.click()
    return person.dialog.locator("[name=title]")


def calendar(person: Person) -> Locator:
    return opens_calendar(person).locator("[name=name]")


def new_calendar(person: Person) -> Locator:
    person.page.locator("[data-add-calendar]:visible").first.click()
    return person.page.locator("#calendar-dialog [name=name]")


def somebody_to_add(person: Person) -> Locator:
    return opens_people(person).locator("[name=to]")


def new_link(person: Person) -> Locator:
    dialog = opens_links(person)
    dialog.get_by_role("button", name="New public link").click()
    return dialog.locator("[data-new-link] [name=frameOrigins]")


def link(person: Person) -> Locator:
    return creates_link(opens_links(person)).locator("form [name=name]")


FORMS = [item, new_item, calendar, new_calendar, somebody_to_add, new_link, link]


def types(field: Locator, text: str = "An hour of writing") -> None:
    field.click()
    field.press_sequentially(text)


def listens(page: Page) -> bool:
    """Return whether the page listens for `beforeunload`, which may keep it out of the back/forward cache."""
    session = page.context.new_cdp_session(page)
    window = session.send("Runtime.evaluate", {"expression": "window"})["result"]["objectId"]
    found = session.send("DOMDebugger.getEventListeners", {"objectId": window})["listeners"]
    session.detach()
    return any(one["type"] == "beforeunload" for one in found)


def is_asked(page: Page, leave: str = "location.reload()") -> bool:
    """Try to leave the page, and stay if it asks. Return whether it asks."""
    asks = listens(page)
    with page.expect_event("dialog" if asks else "framenavigated") as happened:
        page.evaluate(f"setTimeout(() => {{ {leave} }})")
    if isinstance(happened.value, Dialog):
        happened.value.dismiss()
    return asks


@pytest.mark.parametrize("form", FORMS)
def test_who_reloads_over_something_typed_is_asked(ana: Person, form: Callable[[Person], Locator]) -> None:
    """Seen failing with a page that does not ask."""
    field = form(ana)
    assert not listens(ana.page), "nothing is typed yet"
    types(field)
    text = field.input_value()
    assert is_asked(ana.page)
    expect(field).to_have_value(text)


@pytest.mark.parametrize("leave", ["location.assign('/logout/')", "history.back()"])
def test_who_leaves_another_way_is_asked(ana: Person, leave: str) -> None:
    types(item(ana))
    assert is_asked(ana.page, leave)


def test_who_closes_the_tab_is_asked(ana: Person) -> None:
    types(item(ana))
    with ana.page.expect_event("dialog") as asked:
        ana.page.close(run_before_unload=True)
    asked.value.dismiss()
    assert asked.value.type == "beforeunload"


def discards(person: Person) -> None:
    types(item(person))
    person.page.keyboard.press("Escape")
    person.dialog.get_by_role("button", name="Discard").click()
    expect(person.dialog).to_be_hidden()


def saves_an_item(person: Person) -> None:
    types(item(person))
    person.dialog.locator("[data-save]").click()
    expect(person.dialog).to_be_hidden(timeout=PATIENCE_MS)


def saves_a_calendar(person: Person) -> None:
    types(calendar(person), " renamed")
    person.page.locator("#calendar-dialog [data-save]").click()
    expect(listed(person, "renamed")).to_be_visible(timeout=PATIENCE_MS)


def adds_somebody(person: Person) -> None:
    types(somebody_to_add(person), "dan")
    dialog = person.page.locator("#share-dialog")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.locator("[name=to]")).to_have_value("", timeout=PATIENCE_MS)


def puts_a_link_away(person: Person) -> None:
    types(new_link(person))
    person.page.locator("[data-new-link] [data-put-away]").click()


def saves_a_link(person: Person) -> None:
    types(link(person), " renamed")
    row = person.page.locator(".link-row")
    row.get_by_role("button", name="Save").click()
    expect(row.locator("[data-name]")).to_contain_text("renamed", timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    "end", [discards, saves_an_item, saves_a_calendar, adds_somebody, puts_a_link_away, saves_a_link]
)
def test_nobody_is_asked_once_it_is_saved_or_discarded(ana: Person, end: Callable[[Person], None]) -> None:
    """Seen failing with a listener that is always there, and with one that is added but never removed."""
    end(ana)
    wait_until(lambda: not listens(ana.page), what="the page to listen no more", interval_seconds=0.05)
    assert not is_asked(ana.page)
