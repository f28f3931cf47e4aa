"""What someone holds (drags, or has open in a dialog) while another deletes or edits it: they are told, and lose nothing they typed."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.watch import Watch


def test_an_item_deleted_while_it_is_dragged_stays_gone(ana: Person, ben: Person) -> None:
    item = ana.creates("In the air")
    ben.sees(item)
    ben.lifts(item, ben.day("2027-03-19"))
    ana.deletes(item)
    ana.sees_nothing_of(item)
    expect(ben.toast("Ana deleted")).to_be_visible(timeout=PATIENCE_MS)
    ben.drops()
    ben.sees_nothing_of(item)
    ben.page.locator("[data-move=next]").click()
    ben.page.locator("[data-move=prev]").click()
    ben.wait_until_live()
    ben.sees_nothing_of(item)
    assert ana.call("GET", ana.path_of(item)).status == 404


def test_text_typed_survives_the_deletion_of_what_was_open(ana: Person, ben: Person) -> None:
    item = ana.creates("Open")
    ben.sees(item)
    form = ben.opens(item)
    form.locator("[name=title]").fill("A title of many thoughts")
    ana.deletes(item)
    news = form.locator("[data-news=deleted]")
    expect(news).to_be_visible(timeout=PATIENCE_MS)
    expect(news).to_contain_text("Ana")
    expect(form.locator("[name=title]")).to_have_value("A title of many thoughts")
    news.get_by_role("button", name="Create as a new item").click()
    expect(ben.dialog).to_be_hidden(timeout=PATIENCE_MS)
    ben.sees_nothing_of(item)
    for person in (ana, ben):
        expect(person.page.locator("#calendar [data-item]", has_text="A title of many thoughts")).to_be_visible(
            timeout=PATIENCE_MS
        )


def test_two_who_edit_the_same_item_see_both_versions(ana: Person, ben: Person, watch: Watch) -> None:
    watch.allow("status of 412")
    item = ana.creates("Draft")
    ben.sees(item)
    form = ben.opens(item)
    form.locator("[name=title]").fill("Ben's title")
    ana.changes(item, title="Ana's title", location="Room 4")
    expect(form.locator("[data-news=changed]")).to_be_visible(timeout=PATIENCE_MS)
    form.locator("[data-save]").last.click()
    versions = form.locator(".versions")
    expect(versions).to_contain_text("Ana's title", timeout=PATIENCE_MS)
    expect(versions).to_contain_text("Ben's title")
    form.get_by_role("button", name="Keep mine").click()
    expect(ben.dialog).to_be_hidden(timeout=PATIENCE_MS)
    ana.sees(item, "Ben's title")
    assert ana.call("GET", ana.path_of(item)).json()["location"] == "Room 4"


def test_an_edit_by_someone_else_does_not_disturb_a_drag(ana: Person, ben: Person, watch: Watch) -> None:
    """It may be refused because it is stale, which is said; both agree afterwards."""
    watch.allow("status of 412")
    item = ana.creates("Old title")
    ben.sees(item)
    ben.lifts(item, ben.day("2027-03-19"))
    ana.changes(item, title="New title")
    ana.sees(item, "New title")
    ben.drops()
    for person in (ana, ben):
        person.sees(item, "New title")
    start = ana.call("GET", ana.path_of(item)).json()["start"]
    for person in (ana, ben):
        person.sees_on(start[:10], item)
