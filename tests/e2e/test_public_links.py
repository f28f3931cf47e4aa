"""A public link in a stranger's browser: live, no more than it shows, gone at once when it ends, and framed only where its owner says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol

import pytest
from playwright.sync_api import FrameLocator, Locator, Page, WebSocketRoute, expect

from tests.e2e.conftest import PageFor
from tests.e2e.person import DAY, PATIENCE_MS, Person
from tests.e2e.site import Site
from tests.e2e.watch import Watch

# What is promised is a second; a loaded machine gets ten. Most of a wait is 25: an answer that only its end brings is too late.
PROMISE_SECONDS: Final = 10
MONTH: Final = "?view=month&date=2027-03-15"


def makes_link(owner: Person, **values: Any) -> dict[str, Any]:
    body = {"name": "Website", "shows": "full"} | values
    answer = owner.call("POST", f"/api/calendars/{owner.calendar()}/links/", data=body)
    assert answer.status == 201, answer.text()
    link: dict[str, Any] = answer.json()
    return link


def withdraws(owner: Person, link: dict[str, Any]) -> None:
    assert owner.call("DELETE", f"/api/calendars/{owner.calendar()}/links/{link['id']}/").ok


class Stranger:
    """Somebody without an account, before the page of a link or a page that frames it."""

    def __init__(self, page: Page, place: Page | FrameLocator) -> None:
        self.page = page
        self.place = place
        self.frames: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: self.frames.append(str(frame))))

    def entry(self, item: str) -> Locator:
        return self.place.locator(f'#calendar [data-item="{item}"]').first

    def waits_until_live(self) -> Stranger:
        expect(self.place.locator("#connection")).to_have_attribute("data-look", "live", timeout=PATIENCE_MS)
        expect(self.place.locator("#calendar")).to_have_attribute("aria-busy", "false", timeout=PATIENCE_MS)
        return self

    def sees(self, item: str, text: str) -> None:
        expect(self.entry(item)).to_contain_text(text, timeout=PATIENCE_MS)

    def sees_nothing_of(self, item: str) -> None:
        expect(self.entry(item)).to_have_count(0, timeout=PATIENCE_MS)

    def has_lost_everything(self) -> None:
        expect(self.place.locator("#ended")).to_be_visible(timeout=PATIENCE_MS)
        expect(self.place.locator("#ended")).to_contain_text("leads nowhere any more")
        expect(self.place.locator("#calendar, [data-item], #calendar-name")).to_have_count(0)


class Look(Protocol):
    """Brings a stranger to a link's page."""

    def __call__(self, link: dict[str, Any], *, refused: bool = False) -> Stranger: ...


@pytest.fixture
def look(page_for: PageFor, watch: Watch) -> Look:
    def bring(link: dict[str, Any], *, refused: bool = False) -> Stranger:
        page = page_for(None, "about:blank")
        if refused:
            watch.allow("WebSocket connection")
            page.route_web_socket("**/ws/?link=*", WebSocketRoute.close)
        stranger = Stranger(page, page)
        page.goto(link["url"] + MONTH)
        return stranger.waits_until_live()

    return bring


WAYS: Final = pytest.mark.parametrize("refused", [False, True], ids=["by WebSocket", "by requests"])


@WAYS
def test_a_stranger_sees_what_ana_does_at_once_and_no_more_than_the_link_shows(
    ana: Person, look: Look, refused: bool
) -> None:
    link = makes_link(ana)
    stranger = look(link, refused=refused)
    people: list[str] = []
    stranger.page.on("response", lambda answer: people.append(answer.text()) if "/api/" in answer.url else None)
    started = time.monotonic()
    shown = ana.creates("Open day", location="Main hall")
    stranger.sees(shown, "Open day")
    assert time.monotonic() - started < PROMISE_SECONDS
    private = ana.creates("Salary talk", visibility="private", start=f"{DAY}T04:00:00Z", end=f"{DAY}T05:00:00Z")
    secret = ana.creates("Merger", visibility="secret")
    stranger.sees(private, "Busy")
    ana.changes(shown, title="Open days")
    stranger.sees(shown, "Open days")
    ana.changes(private, title="Salary talk 2")
    ana.deletes(shown)
    stranger.sees_nothing_of(shown)
    stranger.sees_nothing_of(secret)
    received = " ".join([stranger.page.content(), *stranger.frames, *people])
    for leak in ("Salary", "Merger", secret, '"actor":{', "Ana"):
        assert leak not in received


def test_a_reload_shows_no_more_than_the_page_did(ana: Person, look: Look) -> None:
    private = ana.creates("Salary talk", visibility="private")
    shown = ana.creates("Open day", start=f"{DAY}T04:00:00Z", end=f"{DAY}T05:00:00Z")
    link = makes_link(ana, shows="freebusy")
    stranger = look(link)
    for item in (private, shown):
        stranger.sees(item, "Busy")
    stranger.page.reload()
    stranger.waits_until_live().sees(shown, "Busy")
    assert "Open day" not in " ".join([stranger.page.content(), *stranger.frames])


@WAYS
def test_what_was_shown_goes_at_once_when_the_link_is_withdrawn(
    ana: Person, look: Look, refused: bool, site: Site, watch: Watch
) -> None:
    """Another link's visitor keeps their page. Fails when the withdrawal waits for a heartbeat."""
    watch.allow("status of 40[14]")
    link, other = makes_link(ana), makes_link(ana, name="Poster")
    stranger, stays = look(link, refused=refused), look(other)
    item = ana.creates("Open day")
    stranger.sees(item, "Open day")
    started = time.monotonic()
    withdraws(ana, link)
    stranger.has_lost_everything()
    assert time.monotonic() - started < PROMISE_SECONDS
    stranger.page.reload()
    expect(stranger.page.locator("h1")).to_have_text("Nothing here")
    ana.changes(item, title="Open days")
    stays.sees(item, "Open days")
    for one in (link, other):
        assert one["url"].rstrip("/").rpartition("/")[2] not in site.log.read_text()


@WAYS
def test_a_page_ends_when_the_time_of_its_link_is_over(ana: Person, look: Look, refused: bool, watch: Watch) -> None:
    watch.allow("status of 401")
    ends = datetime.now(UTC) + timedelta(seconds=14)
    link = makes_link(ana, expiresAt=ends.isoformat(timespec="seconds"))
    stranger = look(link, refused=refused)
    stranger.sees(ana.creates("Open day"), "Open day")
    ended = stranger.page.locator("#ended")
    left = (ends - datetime.now(UTC)).total_seconds()
    expect(ended).to_be_visible(timeout=left * 1000 + PATIENCE_MS)
    stranger.has_lost_everything()


def test_a_link_that_shows_less_takes_what_it_showed_away(ana: Person, look: Look) -> None:
    """Seen failing when a dialog that closes keeps its text."""
    link = makes_link(ana)
    stranger = look(link)
    item = ana.creates("Open day", description="Come in")
    stranger.sees(item, "Open day")
    stranger.entry(item).click()
    expect(stranger.page.locator("#item-about")).to_have_text("Come in")
    path = f"/api/calendars/{ana.calendar()}/links/{link['id']}/"
    assert ana.call("PATCH", path, data={"shows": "freebusy"}).ok
    expect(stranger.page.locator("dialog#item")).not_to_contain_text("Come in", timeout=PATIENCE_MS)
    stranger.sees(item, "Busy")
    assert "Open day" not in stranger.page.content()


def test_an_item_is_read_by_the_keyboard_and_is_text(ana: Person, look: Look) -> None:
    stranger = look(makes_link(ana))
    item = ana.creates("<b>Open</b> day", description="<img src=x onerror=alert(1)>\nAll day", location="Main hall")
    stranger.sees(item, "<b>Open</b> day")
    stranger.entry(item).focus()
    stranger.page.keyboard.press("Enter")
    dialog = stranger.page.locator("dialog#item")
    expect(dialog).to_be_visible(timeout=PATIENCE_MS)
    expect(dialog.locator("h2")).to_have_text("<b>Open</b> day")
    expect(dialog.locator("#item-where")).to_have_text("Main hall")
    expect(dialog.locator("#item-about")).to_contain_text("<img src=x")
    expect(dialog.locator("#item-when")).to_contain_text("17 March 2027")
    ana.changes(item, title="Open days")
    expect(dialog.locator("h2")).to_have_text("Open days", timeout=PATIENCE_MS)
    stranger.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    stranger.entry(item).click()
    ana.deletes(item)
    expect(dialog).to_be_hidden(timeout=PATIENCE_MS)


# --- the widget, in a frame ------------------------------------------------------------------------------------------


@contextmanager
def foreign_site() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve pages, by their path, from an origin of their own: another port is another origin."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body or b"nothing")

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def framing(url: str, attributes: str = 'sandbox="allow-scripts allow-same-origin"') -> str:
    return f'<!doctype html><link rel="icon" href="data:,"><iframe {attributes} src="{url}" width="900" height="700"></iframe>'


def test_a_widget_is_live_in_a_sandboxed_frame_of_a_page_that_may_frame_it(
    ana: Person, page_for: PageFor, watch: Watch
) -> None:
    """Without any cookie, as where browsers keep those of third parties back."""
    watch.allow("status of 40[14]")
    with foreign_site() as (origin, pages):
        link = makes_link(ana, frameOrigins=[origin])
        pages["/"] = framing(link["embedUrl"] + MONTH)
        page = page_for(None, "about:blank")
        stranger = Stranger(page, page.frame_locator("iframe"))
        page.goto(f"{origin}/")
        stranger.waits_until_live()
        item = ana.creates("Open day")
        stranger.sees(item, "Open day")
        assert page.context.cookies() == []
        withdraws(ana, link)
        stranger.has_lost_everything()


def test_no_other_page_may_frame_it_and_nothing_else_may_be_framed(
    ana: Person, page_for: PageFor, site: Site, watch: Watch
) -> None:
    """Fails when the widget's policy names every origin, and when the page is served with the widget's."""
    watch.allow("frame-ancestors|X-Frame-Options|chrome-error")
    with foreign_site() as (allowed, pages), foreign_site() as (refused, others):
        link = makes_link(ana, frameOrigins=[allowed])
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
            page.wait_for_load_state("networkidle")
            assert page.frames[1].url.startswith("chrome-error:"), (origin, path)
        page.goto(f"{allowed}/embed")
        expect(page.frame_locator("iframe").locator("#connection")).to_have_attribute(
            "data-look", "live", timeout=PATIENCE_MS
        )
