"""Tests the times of items: a drag, the form and a change of the clocks alter what they should, and nothing else."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.conftest import Visit
from tests.e2e.person import PATIENCE_MS, Person

LOS_ANGELES = "America/Los_Angeles"
# A month in which the clocks of Los Angeles go back: on the 7th, half past one in the morning occurs twice.
NOVEMBER = "/?view=month&date=2027-11-15"


def saved(person: Person, item: str) -> tuple[str, str]:
    """Return the start and the end that the server has for an item."""
    found = person.call("GET", person.path_of(item)).json()
    return found["start"], found["end"]


def drops(person: Person, item: str, onto: Locator) -> tuple[str, str]:
    """Drag an item. Return the start and the end that the server then has for it."""
    with person.page.expect_response(f"**/items/{item}/", timeout=PATIENCE_MS) as answered:
        person.drags(item, onto)
    assert answered.value.ok, answered.value.text()
    return saved(person, item)


def undoes(person: Person, item: str, title: str) -> None:
    """Undo the move of an item by the keyboard, and wait for the server, because the page shows it earlier."""
    expect(person.toast(f"Rescheduled “{title}”")).to_be_visible(timeout=PATIENCE_MS)
    with person.page.expect_response(f"**/items/{item}/", timeout=PATIENCE_MS) as answered:
        person.page.keyboard.press("Control+z")
    assert answered.value.ok, answered.value.text()


def saves(person: Person) -> None:
    person.dialog.locator("[data-save]").click()
    expect(person.dialog).to_be_hidden(timeout=PATIENCE_MS)


@pytest.fixture
def ana(visit: Visit) -> Person:
    """Return Ana, who is in Los Angeles and has opened the month in which the clocks go back."""
    return visit("ana", timezone_id=LOS_ANGELES).goto(NOVEMBER)


def test_a_deadline_is_drawn_once_and_stays_one_wherever_it_is_dragged(visit: Visit) -> None:
    """Seen failing with the hour that FullCalendar adds: the item was on two days, and an hour long after the drop."""
    ana = visit("ana").goto()
    at = "2027-03-16T15:30:00Z"  # half past eleven in the evening, in Manila
    item = ana.creates("Deadline", start=at, end=at, timeZone="Asia/Manila")
    ana.sees(item, "23:30")
    expect(ana.entry(item)).to_have_count(1)
    ana.sees_on("2027-03-16", item)
    assert drops(ana, item, ana.day("2027-03-24")) == ("2027-03-24T15:30:00Z",) * 2
    ana.sees_on("2027-03-24", item)
    undoes(ana, item, "Deadline")
    ana.sees_on("2027-03-16", item)
    assert saved(ana, item) == (at, at)
    ana.goto("/?view=day&date=2027-03-17")
    ana.sees_nothing_of(item)
    ana.goto("/?view=day&date=2027-03-16")
    assert ana.entry(item).locator(".item__time").inner_text() == "23:30"


def test_half_an_hour_over_the_change_of_clocks_is_half_an_hour_wherever_it_is(ana: Person) -> None:
    """Both by a drag and by the form. Seen failing: the drag made the item an hour long, and the form was refused."""
    before = ("2027-11-07T08:45:00Z", "2027-11-07T09:15:00Z")
    item = ana.creates("Handover", start=before[0], end=before[1], timeZone=LOS_ANGELES)
    ana.sees_on("2027-11-07", item)
    assert drops(ana, item, ana.day("2027-11-10")) == ("2027-11-10T09:45:00Z", "2027-11-10T10:15:00Z")
    ana.sees_on("2027-11-10", item)
    undoes(ana, item, "Handover")
    ana.sees_on("2027-11-07", item)
    assert saved(ana, item) == before
    form = ana.opens(item)
    form.locator("[name=start_date]").fill("2027-11-10")
    saves(ana)
    assert saved(ana, item) == ("2027-11-10T09:45:00Z", "2027-11-10T10:15:00Z")


def test_the_second_of_two_equal_times_stays_the_second_until_the_first_is_chosen(ana: Person) -> None:
    """Seen failing: an item that began at the second half past one began an hour earlier once its end was changed."""
    item = ana.creates("Night shift", start="2027-11-07T09:30:00Z", end="2027-11-07T10:30:00Z", timeZone=LOS_ANGELES)
    ana.sees(item)
    form = ana.opens(item)
    which = form.get_by_label("Which of the two start times")
    expect(which).to_be_visible()
    expect(which.locator("option:checked")).to_have_text("Second (UTC-08:00)")
    expect(form.get_by_label("Which of the two end times")).to_be_hidden()
    form.locator("[name=end_time]").fill("03:00")
    saves(ana)
    assert saved(ana, item) == ("2027-11-07T09:30:00Z", "2027-11-07T11:00:00Z")
    ana.opens(item)
    which.select_option("First (UTC-07:00)")
    saves(ana)
    assert saved(ana, item) == ("2027-11-07T08:30:00Z", "2027-11-07T10:00:00Z")


def test_an_end_that_would_be_skipped_is_proposed_after_the_gap(ana: Person) -> None:
    """Seen failing: half past two was proposed and then refused, because the clocks skip it."""
    ana.goto("/?view=month&date=2027-03-15")
    item = ana.creates("Backup", start="2027-03-12T09:30:00Z", end="2027-03-12T10:30:00Z", timeZone=LOS_ANGELES)
    ana.sees(item)
    ana.opens(item).locator("[name=start_date]").fill("2027-03-14")
    expect(ana.dialog.locator("[name=end_time]")).to_have_value("03:30")
    saves(ana)
    assert saved(ana, item) == ("2027-03-14T09:30:00Z", "2027-03-14T10:30:00Z")


def test_an_evening_until_midnight_that_becomes_all_day_is_one_day(ana: Person) -> None:
    """Seen failing with two days: the day that begins when the item ends was counted, too."""
    evening = ("2027-11-17T04:00:00Z", "2027-11-17T08:00:00Z")  # 20:00 to midnight on the 16th
    item = ana.creates("Evening", start=evening[0], end=evening[1], timeZone=LOS_ANGELES)
    ana.sees_on("2027-11-16", item)
    form = ana.opens(item)
    form.locator("[name=all_day]").check()
    expect(form.locator("[name=end_date]")).to_have_value("2027-11-16")
    saves(ana)
    assert saved(ana, item) == ("2027-11-16", "2027-11-17")
    undoes(ana, item, "Evening")
    ana.sees(item, "20:00")
    assert saved(ana, item) == evening
