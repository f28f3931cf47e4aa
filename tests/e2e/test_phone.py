"""Tests the calendar on a phone: what a page must show even where there is little room."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.e2e.conftest import PageFor, Visit
from tests.e2e.links import makes_link
from tests.e2e.person import PATIENCE_MS, WEEK, Person

PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
LYING: Final[ViewportSize] = {"width": 844, "height": 390}
DAYS: Final = ["M15", "T16", "W17", "T18", "F19", "S20", "S21"]


def test_a_week_shows_the_number_of_each_day_and_marks_today(visit: Visit, page_for: PageFor) -> None:
    """This holds for a user's page and for a public link's page.

    Seen failing with the theme's own head, which shows only the letter of the weekday, and, where there is room, with
    the phone's head at every width.
    """
    ana = visit("ana", viewport=PHONE)
    ana.page.clock.set_fixed_time("2027-03-17T04:00:00Z")
    ana.goto(WEEK)
    stranger = page_for(None, "about:blank", viewport=PHONE)
    stranger.clock.set_fixed_time("2027-03-17T04:00:00Z")
    stranger.goto(makes_link(ana)["url"] + WEEK.removeprefix("/"))
    for page in (ana.page, stranger):
        shows_numbers(page)
    ana.page.set_viewport_size({"width": 1440, "height": 900})
    expect(ana.page.locator("#calendar [role=columnheader][data-date]").first).to_have_text("Mon 15")


def shows_numbers(page: Page) -> None:
    heads = page.locator("#calendar [role=columnheader][data-date]")
    expect(heads).to_have_text(DAYS, timeout=PATIENCE_MS)
    expect(page.locator(".live-day-head__number--today")).to_have_text("17")
    for head in heads.all():
        assert head.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_month_on_a_low_screen_shows_items_and_how_many_more_and_scrolls(visit: Visit) -> None:
    """Seen failing without a minimum height of a week: each day showed only how many items it has."""
    ana = visit("ana", viewport=LYING).goto()
    for _ in range(3):
        ana.creates("Stand-up")
    last = ana.creates("Report", start="2027-04-03T02:00:00Z", end="2027-04-03T03:00:00Z")
    items = ana.page.locator("#calendar [data-item]", has_text="Stand-up")
    expect(items.filter(visible=True)).to_have_count(1, timeout=PATIENCE_MS)
    expect(ana.page.locator("#calendar .more[role=button]")).to_have_text("2 more")
    ana.sees(last)
    ana.entry(last).scroll_into_view_if_needed()
    expect(ana.entry(last)).to_be_in_viewport(ratio=1)
    expect(ana.page.locator("#calendar [role=columnheader]").first).to_be_in_viewport(ratio=1)


def test_a_toolbar_is_no_wider_than_its_window_and_names_the_month(visit: Visit) -> None:
    """Seen failing with a calendar as wide as the toolbar asks for, and with the toolbar in one row from 640 px on."""
    ana = visit("ana").goto()
    title = ana.page.locator(".toolbar__title")
    for width in (360, 667, 761, 844):
        ana.page.set_viewport_size({"width": width, "height": 375})
        expect(ana.page.locator(".toolbar__new")).to_be_in_viewport(ratio=1)
        expect(title).to_have_text("March 2027")
        assert title.evaluate("one => one.scrollWidth <= one.clientWidth"), width


@pytest.mark.parametrize("viewport", [PHONE, {"width": 800, "height": 600}, {"width": 1280, "height": 850}])
def test_news_over_an_open_dialog_cover_neither_its_head_nor_its_buttons(
    visit: Visit, editor: Person, viewport: ViewportSize
) -> None:
    """Seen failing with the toasts at the top of the screen."""
    ana = visit("ana", viewport=viewport).goto()
    item, *others = [ana.creates(title) for title in ("Open", "Other", "Third")]
    ana.sees(item)
    dialog = ana.opens(item)
    for other in others:
        editor.changes(other, title="Another title for the same item")
    toasts = ana.page.locator("#toasts .toast")
    expect(toasts).to_have_count(2, timeout=PATIENCE_MS)
    ana.page.wait_for_function("() => document.getAnimations().every(one => one.playState === 'finished')")
    for toast in toasts.all():
        expect(toast).to_be_in_viewport(ratio=1)
        assert not overlap(toast, dialog.locator(".dialog__header"))
        assert not overlap(toast, dialog.locator(".dialog__footer"))


def overlap(one: Locator, other: Locator) -> bool:
    """Return whether two elements have a common point."""
    box, place = one.bounding_box(), other.bounding_box()
    assert box is not None
    assert place is not None
    across = box["x"] < place["x"] + place["width"] and place["x"] < box["x"] + box["width"]
    return across and box["y"] < place["y"] + place["height"] and place["y"] < box["y"] + box["height"]
