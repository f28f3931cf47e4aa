"""Tests that a person who drags or edits an item is told when another changes it, and loses nothing that they typed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.e2e.person import DAY, PATIENCE_MS, Person
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


def test_a_deletion_of_what_is_dragged_is_told_once(owner: Person, ben: Person) -> None:
    """The page says it at once, then together with the offer to undo it, in one toast.

    Seen failing when both toasts stayed, and when the offer had its own text.
    """
    item = owner.creates("In the air")
    ben.sees(item)
    ben.lifts(item, ben.day("2027-03-19"))
    owner.deletes(item)
    toasts = ben.page.locator("#toasts .toast")
    expect(toasts.get_by_role("button", name="Undo")).to_be_visible(timeout=PATIENCE_MS)
    assert toasts.locator(".toast__text").all_text_contents() == [
        "Ana deleted “In the air” while you were moving it, or moved it to another calendar."
    ]
    ben.drops()
    toasts.get_by_role("button", name="Undo").click()
    ben.sees(item)


@pytest.mark.parametrize("upwards", [True, False])
def test_a_move_of_what_is_dragged_is_told_as_a_move(owner: Person, ben: Person, upwards: bool) -> None:
    """Ben sees both calendars. Until his page knows of the move, no text says that the item was simply deleted.

    The ids of the calendars decide which half of the move arrives first. Seen failing with the old text, and, in one of
    the two orders, when the page announced a deletion although it had the offer to undo the move.
    """
    left, to = sorted((owner.calendar("Team"), owner.calendar("Projects")), reverse=not upwards)
    ben.page.evaluate(
        """() => {
            window.told = new Set();
            const note = () => document.querySelectorAll(".toast__text").forEach((one) => told.add(one.textContent));
            new MutationObserver(note).observe(document.body, { childList: true, subtree: true });
        }"""
    )
    item = owner.creates("In the air", calendar=left)
    ben.sees(item)
    ben.lifts(item, ben.day("2027-03-19"))
    moved = owner.call("POST", f"{owner.path_of(item, left)}move/", data={"calendar": to})
    assert moved.ok, moved.text()
    expect(ben.toast("Ana moved “In the air” to")).to_be_visible(timeout=PATIENCE_MS)
    expect(ben.page.locator("#toasts .toast")).to_have_count(1)
    ben.drops()
    ben.sees(item)
    assert owner.call("GET", owner.path_of(item, to)).ok
    told = ben.page.evaluate("() => [...told].filter((one) => one.includes('deleted'))")
    assert [one for one in told if "or moved it to another calendar" not in one] == []


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


def compares(ana: Person, ben: Person) -> tuple[str, Locator]:
    """Have Ben type a title, and compare it with the one that Ana saved meanwhile. Return the item and the form."""
    item = ana.creates("Draft")
    ben.sees(item)
    form = ben.opens(item)
    form.locator("[name=title]").fill("Ben's title")
    ana.changes(item, title="Ana's title", location="Room 4")
    form.locator("[data-compare]").click()
    expect(form.locator(".versions")).to_contain_text("Ana's title", timeout=PATIENCE_MS)
    return item, form


def sees_one_notice(person: Person, text: str | None) -> None:
    """Wait until the dialog shows a single notice, with this text (`None`: no notice), and no toast."""
    notices = person.dialog.locator(".notice").filter(visible=True)
    expect(notices).to_have_count(0 if text is None else 1, timeout=PATIENCE_MS)
    if text is not None:
        expect(notices).to_contain_text(text, timeout=PATIENCE_MS)
    expect(person.page.locator("#toasts .toast")).to_have_count(0)


def test_a_comparison_follows_the_item_and_keeps_what_is_typed(ana: Person, ben: Person, watch: Watch) -> None:
    """Ben types on while each answer is under way, and his cursor stays. In the end, Ana has undone everything.

    Seen failing with the old comparison above a second notice, below a toast; without asking again, which lost the
    text typed meanwhile; and with the cursor at the end of its field.
    """
    watch.allow("status of 412")
    item, form = compares(ana, ben)
    title = form.locator("[name=title]")
    title.fill("Ben's name")
    title.evaluate("field => field.setSelectionRange(4, 4)")
    answers = 0

    def type_before_the_answer(route: Route) -> None:
        nonlocal answers
        answers += 1
        if answers == 1:
            title.evaluate("field => field.setRangeText('n', 4, 4, 'end')")
        route.continue_()

    ben.page.route("**/edit/", type_before_the_answer)
    ana.changes(item, title="Ana's second title")
    expect(form.locator(".versions")).to_contain_text("Ana's second title", timeout=PATIENCE_MS)
    sees_one_notice(ben, "Ana changed this")
    assert answers == 2
    expect(title).to_have_value("Ben'ns name")
    expect(title).to_be_focused()
    assert title.evaluate("field => field.selectionStart") == 5
    ana.changes(item, title="Draft", location="")
    sees_one_notice(ben, None)
    expect(title).to_have_value("Ben'ns name")
    expect(form.locator("[name=location]")).to_have_value("")
    form.locator("[data-save]").click()
    expect(ben.dialog).to_be_hidden(timeout=PATIENCE_MS)
    ana.sees(item, "Ben'ns name")


def test_a_comparison_ends_with_a_deletion_and_comes_back_with_the_item(ana: Person, ben: Person, watch: Watch) -> None:
    """Seen failing with a form that stayed locked, so that Ben could only give up what he had typed."""
    watch.allow("status of 412")
    item, form = compares(ana, ben)
    gone = ana.call("DELETE", ana.path_of(item)).json()
    sees_one_notice(ben, "Ana deleted this")
    ana.call("POST", f"{ana.path_of(item)}restore/", headers={"If-Match": f'"{gone["state"]}"'})
    sees_one_notice(ben, "Ana changed this")
    expect(form.locator(".versions")).to_contain_text("Ben's title")
    form.get_by_role("button", name="Keep mine").click()
    expect(ben.dialog).to_be_hidden(timeout=PATIENCE_MS)
    ana.sees(item, "Ben's title")


def test_a_comparison_that_cannot_be_made_anew_is_not_shown(ana: Person, ben: Person, watch: Watch) -> None:
    """The notice offers to compare again. Seen failing with the outdated value beside "Take theirs"."""
    watch.allow("status of 412")
    watch.allow("ERR_FAILED")
    item, form = compares(ana, ben)
    ben.page.route("**/edit/", lambda route: route.abort())
    ana.changes(item, title="Ana's second title")
    sees_one_notice(ben, "Ana changed this")
    expect(form.locator(".versions")).to_be_hidden()
    ben.page.unroute("**/edit/")
    form.locator("[data-compare]").click()
    expect(form.locator(".versions")).to_contain_text("Ana's second title", timeout=PATIENCE_MS)
    expect(form.locator("[name=title]")).to_have_value("Ben's title")


def test_an_edit_by_someone_else_does_not_disturb_a_drag(ana: Person, ben: Person, watch: Watch) -> None:
    """The drag may be refused because it is stale, and the page then says so. Afterwards, both pages agree."""
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


def test_escape_asks_each_time_before_typed_text_is_lost(ana: Person) -> None:
    """Seen failing with `cancel` alone, because a browser fires it once and closes the dialog at the next Escape.

    Seen failing, too, with the focus on *Discard*.
    """
    item = ana.creates("Draft")
    ana.sees(item)
    form = ana.opens(item)
    form.locator("[name=title]").press("End")
    ana.page.keyboard.type(" of many thoughts")
    question = form.locator("[data-panel=discard]")
    for turn in range(4):
        ana.page.keyboard.press("Escape")
        expect(question).to_be_visible(visible=turn % 2 == 0)
    ana.page.keyboard.press("Escape")
    ana.page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(form.locator("[name=title]")).to_have_value("Draft of many thoughts")


def test_a_move_that_the_network_swallows_is_said_and_done_in_the_end(ana: Person, ben: Person) -> None:
    """After 10 s without an answer, the page sends the request again, with the same key.

    Seen failing without that: the page said "Live", and nobody else saw the move.
    """
    item = ana.creates()
    for person in (ana, ben):
        person.sees_on(DAY, item)
    swallowed: list[Route] = []
    ana.page.route("**/items/*/", lambda route: swallowed.append(route))
    ana.drags(item, ana.day("2027-03-18"))
    sign = ana.page.locator("#connection")
    expect(sign).to_have_text("Not saved yet", timeout=100_000)
    ben.sees_on(DAY, item)
    ana.page.unroute("**/items/*/")
    expect(sign).to_have_text("Live", timeout=100_000)
    ben.sees_on("2027-03-18", item)
    assert len({route.request.headers["idempotency-key"] for route in swallowed}) == 1
