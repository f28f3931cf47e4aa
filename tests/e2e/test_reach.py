"""Tests that you can reach everything on a page: long lists and names push nothing off it, and focus is never lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import PageFor, Visit
from tests.e2e.links import makes_link
from tests.e2e.person import MONTH, PATIENCE_MS, Person
from tests.e2e.share import listed, opens_calendar, opens_people
from tests.e2e.site import Site
from tests.e2e.watch import Watch

# A day in the last row of the month.
LAST_WEEK = "2027-04-08"


@pytest.mark.parametrize("count", [8, 40])
def test_every_item_of_a_crowded_day_can_be_opened_in_the_last_week(ana: Person, count: int) -> None:
    """Seen failing with the list where FullCalendar puts it: below the edge of a page that does not scroll."""
    for number in range(count):
        ana.creates(f"Item {number:02}", start=f"{LAST_WEEK}T02:00:00Z", end=f"{LAST_WEEK}T03:00:00Z")
    ana.page.locator(f"#calendar [data-date='{LAST_WEEK}']").get_by_role("button", name="more").click()
    the_list = ana.page.get_by_role("dialog", name="8 April 2027")
    expect(the_list.locator("[data-item]")).to_have_count(count, timeout=PATIENCE_MS)
    expect(the_list).to_be_in_viewport(ratio=1)
    the_list.locator("[data-item]").last.click()
    expect(ana.dialog.locator("[name=title]")).to_have_value(f"Item {count - 1:02}", timeout=PATIENCE_MS)


def test_an_item_is_read_with_its_status_and_priority(ana: Person) -> None:
    """Seen failing with a space before a comma: "Move , Blocked, Critical"."""
    item = ana.creates("Move", status="blocked", priority="critical")
    expect(ana.entry(item)).to_have_accessible_name("10:00 Move (Blocked, Critical)", timeout=PATIENCE_MS)


def test_a_new_item_is_proposed_where_one_looks(ana: Person) -> None:
    """Seen failing when the page proposes the next full hour of today: the new item was not on the screen."""
    ana.page.locator(".sidebar__new").click()
    ana.dialog.locator("[name=title]").fill("Kick-off")
    ana.dialog.get_by_role("button", name="Create").click()
    expect(ana.day("2027-03-15")).to_contain_text("Kick-off", timeout=PATIENCE_MS)


def test_a_long_name_leaves_every_calendar_its_button(ana: Person) -> None:
    """Seen failing when the list is as wide as its widest name."""
    assert ana.call("POST", "/api/calendars/", data={"name": "Donaudampfschifffahrtsgesellschaft" * 3}).ok
    expect(listed(ana, "Donaudampf")).to_be_visible(timeout=PATIENCE_MS)
    for name in ("Team", "Donaudampf"):
        expect(listed(ana, name).locator("[data-edit-calendar]")).to_be_in_viewport(ratio=1)
    assert ana.page.evaluate("document.querySelector('.sidebar__scroll').scrollWidth <= 256")
    expect(listed(ana, "Donaudampf").locator(".calendar-toggle__name")).to_have_attribute(
        "title", "Donaudampfschifffahrtsgesellschaft" * 3
    )


def test_a_long_name_of_ones_own_does_not_hide_that_it_is_oneself(ana: Person, site: Site) -> None:
    """Seen failing with every name cut off at the end of its line."""
    site.execute("UPDATE auth_user SET first_name = :name WHERE username = 'ana'", name="Wilhelmina " * 12)
    name = opens_people(ana).locator("span[data-name]", has_text="(you)")
    expect(name).to_be_visible()
    assert name.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_who_may_not_change_a_calendar_sees_its_colour_as_it_is(visit: Visit) -> None:
    """Seen failing when all fields that cannot be changed are paler."""
    cara = visit("cara").goto()
    expect(opens_calendar(cara).locator("[name=color]")).to_be_disabled()
    cara.page.wait_for_function(
        """() => {
            let one = document.querySelector("#calendar-dialog [name=color]");
            while (one && getComputedStyle(one).opacity === "1") one = one.parentElement;
            return one === null;
        }""",
        timeout=PATIENCE_MS,
    )


def test_a_long_name_makes_a_small_widget_no_wider(owner: Person, page_for: PageFor) -> None:
    """Seen failing with the page as wide as the name."""
    link = makes_link(owner)
    name = {"name": "Donaudampfschifffahrtsgesellschaft" * 3}
    assert owner.call("PATCH", f"/api/calendars/{owner.calendar()}/", data=name).ok
    stranger = page_for(None, "about:blank", viewport={"width": 320, "height": 480})
    stranger.goto(link["url"])
    expect(stranger.locator("#calendar-name")).to_contain_text("Donaudampf", timeout=PATIENCE_MS)
    for button in ("Forward", "List"):
        expect(stranger.get_by_role("button", name=button)).to_be_in_viewport(ratio=1)


def test_the_focus_stays_on_the_page_when_what_had_it_is_deleted(ana: Person) -> None:
    """Seen failing when the focus returns to an entry that is about to go, or to a button that is already gone."""
    item = ana.creates()
    ana.sees(item)
    ana.deletes_in_dialog(item)
    ana.sees_nothing_of(item)
    expect(ana.page.locator("#calendar")).to_be_focused()
    assert ana.call("POST", "/api/calendars/", data={"name": "Launch"}).ok
    expect(listed(ana, "Launch")).to_be_visible(timeout=PATIENCE_MS)
    dialog = opens_calendar(ana, "Launch")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    dialog.locator("[data-panel]").get_by_role("button", name="Delete").click()
    expect(listed(ana, "Launch")).to_have_count(0, timeout=PATIENCE_MS)
    expect(ana.page.locator("#calendar")).to_be_focused()


def test_a_button_works_however_long_the_server_takes(visit: Visit, watch: Watch) -> None:
    """Seen failing when the page requests its calendars before it listens to its buttons: the click was simply lost."""
    watch.allow("ERR_FAILED")
    dan, held = visit("dan"), list[Route]()
    dan.page.route("**/api/**", lambda route: held.append(route))
    dan.page.goto(MONTH)
    dan.page.locator("#no-calendars").get_by_role("button", name="New calendar").click()
    expect(dan.page.locator("#calendar-dialog").get_by_label("Name")).to_be_focused(timeout=PATIENCE_MS)
    dan.page.keyboard.press("Escape")
    dan.page.get_by_role("button", name="Trash").click()
    expect(dan.page.locator("#trash-dialog")).to_be_visible(timeout=PATIENCE_MS)
    for route in held:
        route.abort()


def test_the_focus_goes_to_what_is_there_when_the_last_calendar_is_gone(visit: Visit) -> None:
    """Seen failing with the focus left on an element that is hidden by then, the button or the view."""
    dan = visit("dan")
    dan.page.goto(MONTH)
    new = dan.page.locator("#no-calendars").get_by_role("button", name="New calendar")
    new.click()
    dialog = dan.page.locator("#calendar-dialog")
    dialog.get_by_label("Name").fill("Mine")
    dialog.get_by_role("button", name="Create").click()
    expect(listed(dan, "Mine")).to_be_visible(timeout=PATIENCE_MS)
    expect(dan.page.locator("#calendar")).to_be_focused()
    dialog = opens_calendar(dan, "Mine")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    dialog.locator("[data-panel]").get_by_role("button", name="Delete").click()
    expect(new).to_be_focused(timeout=PATIENCE_MS)


def test_the_focus_stays_in_the_trash_when_what_had_it_is_restored(ana: Person) -> None:
    """Seen failing when the page checks only whether the row has the focus: a disabled button has none."""
    item = ana.creates("Lost and found")
    ana.deletes(item)
    ana.page.get_by_role("button", name="Trash").click()
    trash = ana.page.locator("#trash-dialog")
    row = trash.locator(".trash__row", has_text="Lost and found")
    row.get_by_role("button").click()
    expect(row).to_have_count(0, timeout=PATIENCE_MS)
    expect(trash.locator("[data-close]")).to_be_focused()


def test_a_reader_is_not_told_that_what_became_secret_was_deleted(owner: Person, visit: Visit) -> None:
    """Seen failing with the text that editors get."""
    cara = visit("cara").goto()
    item = owner.creates("Merger")
    cara.sees(item)
    cara.opens(item)
    owner.changes(item, visibility="secret")
    expect(cara.toast("Ana took this away while you had it open.")).to_be_visible(timeout=PATIENCE_MS)
    cara.sees_nothing_of(item)
    expect(cara.page.locator("#calendar")).to_be_focused()
