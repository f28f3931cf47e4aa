"""Tests that a change in one browser shows in another at once, without a feed request and without moving the view."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from testbed.waiting import wait_until
from tests.e2e.conftest import Visit
from tests.e2e.person import DAY, PATIENCE_MS, WEEK, Person, middle

both_ways = pytest.mark.parametrize("way", ["socket", "requests"])


@both_ways
def test_a_deletion_in_one_browser_empties_the_other(visit: Visit) -> None:
    """This is the app's main purpose. The scroll position, the focus and the DOM nodes of other items stay."""
    ana, ben = visit("ana").goto(WEEK), visit("ben").goto(WEEK)
    item, other = ana.creates(), ana.creates("Stays", start=f"{DAY}T04:00:00Z", end=f"{DAY}T05:00:00Z")
    ana.sees(item)
    ben.sees(item)
    ben.sees(other)
    ben.page.evaluate(
        """id => {
            const scrollers = [...document.querySelectorAll('#calendar *')]
                .filter((one) => one.scrollHeight > one.clientHeight + 50);
            window.scroller = scrollers.find((one) => { one.scrollTop = 333; return one.scrollTop === 333; });
            window.kept = document.querySelector(`#calendar [data-item="${id}"]`);
            window.kept.focus();
        }""",
        other,
    )
    before = len(ben.feeds)
    ana.deletes_in_dialog(item)
    ben.sees_nothing_of(item)
    ana.sees_nothing_of(item)
    assert len(ben.feeds) == before
    assert ben.page.evaluate("window.scroller.scrollTop") == 333
    assert ben.page.evaluate("window.kept.isConnected && document.activeElement === window.kept")


@both_ways
def test_a_creation_in_one_browser_appears_in_the_other(ana: Person, ben: Person) -> None:
    before = len(ben.feeds)
    x, y = middle(ana.day())
    ana.page.mouse.click(x, y)
    form = ana.dialog.locator("form")
    expect(form).to_be_visible(timeout=PATIENCE_MS)
    form.locator("[name=title]").fill("Sprint planning")
    form.locator("[data-save]").click()
    expect(ana.dialog).to_be_hidden(timeout=PATIENCE_MS)
    expect(ben.page.locator("#calendar [data-item]", has_text="Sprint planning")).to_be_visible(timeout=PATIENCE_MS)
    assert len(ben.feeds) == before


@both_ways
def test_an_edit_in_one_browser_shows_in_the_other(ana: Person, ben: Person) -> None:
    item = ana.creates("Old title")
    ben.sees(item, "Old title")
    before = len(ben.feeds)
    ana.sees(item)
    ana.opens(item).locator("[name=title]").fill("New title")
    ana.dialog.locator("[data-save]").click()
    ben.sees(item, "New title")
    ana.sees(item, "New title")
    assert len(ben.feeds) == before


@both_ways
def test_a_drag_in_one_browser_moves_it_in_the_other(ana: Person, ben: Person) -> None:
    item = ana.creates()
    ana.sees(item)
    ben.sees(item)
    before = len(ben.feeds)
    ana.drags(item, ana.day("2027-03-19"))
    ben.sees_on("2027-03-19", item)
    assert len(ben.feeds) == before
    assert ben.call("GET", ben.path_of(item)).json()["start"] == "2027-03-19T02:00:00Z"


def test_a_resize_in_one_browser_shows_in_the_other(visit: Visit) -> None:
    ana, ben = visit("ana").goto(WEEK), visit("ben").goto(WEEK)
    item = ana.creates()
    ana.sees(item)
    ben.sees(item)
    height = (ben.entry(item).bounding_box() or {"height": 0})["height"]
    before = len(ben.feeds)
    ana.entry(item).scroll_into_view_if_needed()
    ana.entry(item).hover()
    box = ana.entry(item).bounding_box()
    assert box is not None
    x, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"]
    ana.page.mouse.move(x, bottom - 2)
    ana.page.mouse.down()
    ana.page.mouse.move(x, bottom + box["height"] - 4, steps=8)
    ana.page.mouse.up()
    wait_until(
        lambda: (ben.entry(item).bounding_box() or {"height": 0})["height"] > height * 1.5,
        what="Ben to see it longer",
        interval_seconds=0.1,
    )
    assert len(ben.feeds) == before
    assert ben.call("GET", ben.path_of(item)).json()["end"] == f"{DAY}T04:00:00Z"


def test_a_parent_goes_with_its_children_as_one_change(ana: Person, ben: Person) -> None:
    parent = ana.creates("Parent")
    children = [ana.creates(f"Child {number}", parent=parent) for number in (1, 2)]
    for item in (parent, *children):
        ben.sees(item)
    frames: list[str] = []
    ben.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    ben.page.reload()
    ben.wait_until_live()
    ana.sees(parent)
    before = len(ben.feeds)
    ana.deletes_in_dialog(parent, "Delete the 2 items below it as well")
    for item in (parent, *children):
        ben.sees_nothing_of(item)
    assert len(ben.feeds) == before
    changes = [frame for frame in frames if '"type":"changes"' in frame]
    assert len(changes) == 1
    assert all(item in changes[0] for item in (parent, *children))


def test_children_are_handed_up_when_one_says_so(ana: Person, ben: Person) -> None:
    parent = ana.creates("Parent")
    child = ana.creates("Child", parent=parent)
    ana.sees(parent)
    ana.deletes_in_dialog(parent, "Move it up")
    ben.sees_nothing_of(parent)
    ben.sees(child)
    assert "parent" not in ben.call("GET", ben.path_of(child)).json()


def test_a_viewer_sees_all_of_it_and_can_change_nothing(owner: Person, visit: Visit) -> None:
    cara = visit("cara").goto()
    item = owner.creates("Budget talk", visibility="private")
    cara.sees(item, "Busy")
    assert not cara.page.content().count("Budget talk")
    owner.deletes(item)
    cara.sees_nothing_of(item)
    shown = owner.creates("All hands")
    cara.sees(shown, "All hands")
    assert cara.opens(shown).locator("[data-save], [data-delete]").count() == 0


@pytest.mark.parametrize("name", ["view=month", "view=week", "view=day", "view=list"])
def test_every_view_is_live(owner: Person, visit: Visit, name: str) -> None:
    ben = visit("ben").goto(f"/?{name}&date={DAY}")
    item = owner.creates()
    ben.sees(item)
    owner.deletes(item)
    ben.sees_nothing_of(item)
