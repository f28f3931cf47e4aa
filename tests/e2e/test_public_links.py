"""Tests public links: they are live, show no more than they should, end at once, and are framed only where allowed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from testbed.waiting import wait_until
from tests.e2e.conftest import Look, PageFor
from tests.e2e.links import makes_link
from tests.e2e.person import DAY, PATIENCE_MS, Cable, Person
from tests.e2e.site import Site
from tests.e2e.stranger import LINK_MONTH, Stranger, foreign_site, framing
from tests.e2e.watch import Watch


def withdraws(owner: Person, link: dict[str, Any]) -> None:
    assert owner.call("DELETE", f"/api/calendars/{owner.calendar()}/links/{link['id']}/").ok


WAYS: Final = pytest.mark.parametrize("refused", [False, True], ids=["by WebSocket", "by requests"])


@WAYS
def test_a_stranger_sees_what_ana_does_at_once_and_no_more_than_the_link_shows(
    owner: Person, look: Look, refused: bool
) -> None:
    link = makes_link(owner)
    stranger = look(link, refused=refused)
    people: list[str] = []
    stranger.page.on("response", lambda answer: people.append(answer.text()) if "/api/" in answer.url else None)
    shown = owner.creates("Open day", location="Main hall")
    stranger.sees(shown, "Open day")
    private = owner.creates("Salary talk", visibility="private", start=f"{DAY}T04:00:00Z", end=f"{DAY}T05:00:00Z")
    secret = owner.creates("Merger", visibility="secret")
    stranger.sees(private, "Busy")
    owner.changes(shown, title="Open days")
    stranger.sees(shown, "Open days")
    owner.changes(private, title="Salary talk 2")
    owner.deletes(shown)
    stranger.sees_nothing_of(shown)
    stranger.sees_nothing_of(secret)
    received = " ".join([stranger.page.content(), *stranger.frames, *people])
    for leak in ("Salary", "Merger", secret, '"actor":{', "Ana"):
        assert leak not in received


def test_a_reload_shows_no_more_than_the_page_did(owner: Person, look: Look) -> None:
    private = owner.creates("Salary talk", visibility="private")
    shown = owner.creates("Open day", start=f"{DAY}T04:00:00Z", end=f"{DAY}T05:00:00Z")
    link = makes_link(owner, shows="freebusy")
    stranger = look(link)
    for item in (private, shown):
        stranger.sees(item, "Busy")
    stranger.page.reload()
    stranger.waits_until_live().sees(shown, "Busy")
    assert "Open day" not in " ".join([stranger.page.content(), *stranger.frames])


@WAYS
def test_what_was_shown_goes_at_once_when_the_link_is_withdrawn(
    owner: Person, look: Look, refused: bool, site: Site, watch: Watch
) -> None:
    """A visitor with another link keeps their page. Seen failing when the withdrawal waits for a heartbeat."""
    watch.allow("status of 40[14]")
    link, other = makes_link(owner), makes_link(owner, name="Poster")
    stranger, stays = look(link, refused=refused), look(other)
    item = owner.creates("Open day")
    stranger.sees(item, "Open day")
    withdraws(owner, link)
    stranger.has_lost_everything()
    stranger.page.reload()
    expect(stranger.page.locator("h1")).to_have_text("Nothing here")
    owner.changes(item, title="Open days")
    stays.sees(item, "Open days")
    for one in (link, other):
        assert one["url"].rstrip("/").rpartition("/")[2] not in site.log()


@WAYS
def test_a_page_ends_when_the_time_of_its_link_is_over(owner: Person, look: Look, refused: bool, watch: Watch) -> None:
    watch.allow("status of 401")
    link = makes_link(owner)
    stranger = look(link, refused=refused)
    stranger.sees(owner.creates("Open day"), "Open day")
    ends = (datetime.now(UTC) + timedelta(seconds=5)).isoformat()
    assert owner.call("PATCH", f"/api/calendars/{owner.calendar()}/links/{link['id']}/", data={"expiresAt": ends}).ok
    expect(stranger.page.locator("#ended")).to_be_visible(timeout=5_000 + PATIENCE_MS)
    stranger.has_lost_everything()


@WAYS
def test_a_link_that_shows_less_takes_what_it_showed_away_and_one_that_shows_more_shows_it(
    owner: Person, look: Look, refused: bool
) -> None:
    """Both happen at once. Seen failing when a dialog keeps its text after it closes."""
    link = makes_link(owner)
    stranger = look(link, refused=refused)
    item = owner.creates("Open day", description="Come in")
    stranger.sees(item, "Open day")
    stranger.entry(item).click()
    expect(stranger.page.locator("#item-about")).to_have_text("Come in")
    path = f"/api/calendars/{owner.calendar()}/links/{link['id']}/"
    assert owner.call("PATCH", path, data={"shows": "freebusy"}).ok
    expect(stranger.page.locator("dialog#item")).not_to_contain_text("Come in", timeout=PATIENCE_MS)
    stranger.sees(item, "Busy")
    assert "Open day" not in stranger.page.content()
    assert owner.call("PATCH", path, data={"shows": "full"}).ok
    stranger.sees(item, "Open day")


def test_a_stranger_who_is_back_is_sent_no_more_than_the_link_shows_now(
    owner: Person, page_for: PageFor, watch: Watch
) -> None:
    """Seen failing when the replay contains what the link showed before."""
    page, cable, link = page_for(None, "about:blank"), Cable(), makes_link(owner)
    cable.plug_into(page)
    stranger = Stranger(page, page)
    page.goto(link["url"] + LINK_MONTH)
    stranger.waits_until_live()
    item = owner.creates("Open day")
    stranger.sees(item, "Open day")
    cable.cut()
    owner.changes(item, title="Kestrel day", location="Kestrel hall")
    path = f"/api/calendars/{owner.calendar()}/links/{link['id']}/"
    assert owner.call("PATCH", path, data={"shows": "freebusy"}).ok
    page.wait_for_selector("#connection[data-look=waiting]", timeout=PATIENCE_MS)
    cable.received.clear()
    cable.mend()
    stranger.sees(item, "Busy")
    assert cable.received, "they were sent something"
    assert [one for one in ("Kestrel", "Open day") if one in " ".join([*cable.received, page.content()])] == []


def test_an_item_is_read_by_the_keyboard_and_is_text(owner: Person, look: Look) -> None:
    stranger = look(makes_link(owner))
    item = owner.creates("<b>Open</b> day", description="<img src=x onerror=alert(1)>\nAll day", location="Main hall")
    stranger.sees(item, "<b>Open</b> day")
    stranger.entry(item).focus()
    stranger.page.keyboard.press("Enter")
    dialog = stranger.page.locator("dialog#item")
    expect(dialog).to_be_visible(timeout=PATIENCE_MS)
    expect(dialog.locator("h2")).to_have_text("<b>Open</b> day")
    expect(dialog.locator("#item-where")).to_have_text("Main hall")
    expect(dialog.locator("#item-about")).to_contain_text("<img src=x")
    expect(dialog.locator("#item-when")).to_contain_text("17 March 2027")
    expect(dialog.locator("#item-status")).to_have_text("Not started")
    owner.changes(item, status="at_risk")
    expect(dialog.locator("#item-status")).to_have_text("At risk", timeout=PATIENCE_MS)
    expect(dialog.locator("#item-status .item__mark")).to_be_visible()
    owner.changes(item, title="Open days")
    expect(dialog.locator("h2")).to_have_text("Open days", timeout=PATIENCE_MS)
    stranger.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    stranger.entry(item).click()
    owner.deletes(item)
    expect(dialog).to_be_hidden(timeout=PATIENCE_MS)


# --- the widget, in a frame ------------------------------------------------------------------------------------------


def test_a_widget_is_live_in_a_sandboxed_frame_of_a_page_that_may_frame_it(
    owner: Person, page_for: PageFor, watch: Watch
) -> None:
    """The frame has no cookie, as in browsers that block the cookies of third parties."""
    watch.allow("status of 40[14]")
    with foreign_site() as (origin, pages):
        link = makes_link(owner, frameOrigins=[origin])
        pages["/"] = framing(link["embedUrl"] + LINK_MONTH)
        page = page_for(None, "about:blank")
        stranger = Stranger(page, page.frame_locator("iframe"))
        page.goto(f"{origin}/")
        stranger.waits_until_live()
        item = owner.creates("Open day")
        stranger.sees(item, "Open day")
        assert page.context.cookies() == []
        withdraws(owner, link)
        stranger.has_lost_everything()


def test_a_link_that_its_frame_may_not_open_is_selected_to_be_copied(
    owner: Person, page_for: PageFor, watch: Watch
) -> None:
    """For embed codes without `allow-popups`. Seen failing: a click on the link did nothing."""
    watch.allow("allow-popups")
    with foreign_site() as (origin, pages):
        link = makes_link(owner, frameOrigins=[origin])
        pages["/"] = framing(link["embedUrl"] + LINK_MONTH, 'sandbox="allow-scripts allow-same-origin"')
        page = page_for(None, "about:blank")
        stranger = Stranger(page, page.frame_locator("iframe"))
        page.goto(f"{origin}/")
        item = owner.creates("Open day", url="https://example.org/agenda")
        stranger.waits_until_live().sees(item, "Open day")
        stranger.entry(item).click()
        address = stranger.place.locator("dialog[open] #item-link a")
        address.click()
        assert address.evaluate("() => String(getSelection())") == "https://example.org/agenda"
        assert page.context.pages == [page]


def test_no_other_page_may_frame_it_and_nothing_else_may_be_framed(
    owner: Person, page_for: PageFor, site: Site, watch: Watch
) -> None:
    """Seen failing when the widget's policy allows every origin, and when the link's page has the widget's policy."""
    watch.allow("frame-ancestors|X-Frame-Options|chrome-error")
    with foreign_site() as (allowed, pages), foreign_site() as (refused, others):
        link = makes_link(owner, frameOrigins=[allowed])
        tries = {
            "/embed": link["embedUrl"],
            "/page": link["url"],
            "/login": f"{site.url}/login/",
            "/site": f"{site.url}/",
        }
        for path, url in tries.items():
            pages[path] = others[path] = framing(url, "")
        page = page_for(None, "about:blank")
        for origin, path in [(refused, path) for path in tries] + [
            (allowed, path) for path in tries if path != "/embed"
        ]:
            page.goto(origin + path)
            wait_until(
                lambda: page.evaluate("1") and page.frames[1].url.startswith("chrome-error:"),
                what=f"{origin} to be refused to frame {path}",
                timeout_seconds=PATIENCE_MS / 1_000,
            )
        page.goto(f"{allowed}/embed")
        expect(page.frame_locator("iframe").locator("#connection")).to_have_attribute(
            "data-look", "live", timeout=PATIENCE_MS
        )
