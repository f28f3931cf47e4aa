"""Fixtures of the end-to-end tests: one real site and browser, with a fresh database and fresh pages for each test."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, sync_playwright

from testbed import evidence
from tests.e2e.browser import find_chromium
from tests.e2e.person import SOCKETS, Person, refuse_websockets
from tests.e2e.site import ROOT, Site
from tests.e2e.stranger import LINK_MONTH, Stranger
from tests.e2e.watch import Watch

USERS: Final = ("ana", "ben", "cara", "dan")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, so that `-m "not e2e"` omits it. Raises UsageError if a test is asynchronous."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)
            if inspect.iscoroutinefunction(getattr(item, "function", None)):
                raise pytest.UsageError(
                    f"{item.nodeid}: beside Playwright's event loop no other can run; use its sync API"
                )


@dataclass(frozen=True)
class Template:
    """A database as `make run` leaves it, with its four users signed in."""

    database: Path
    cookie: str
    sessions: dict[str, str]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    site = Site(tmp_path_factory.mktemp("template"))
    site.release()
    command = [sys.executable, "-m", "tests.e2e.sign_in", *USERS]
    made = json.loads(subprocess.run(command, cwd=ROOT, env=site.environ, check=True, capture_output=True).stdout)
    return Template(site.database, made["cookie"], made["sessions"])


@pytest.fixture(scope="session")
def _running(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield one site for all tests in turn, because starting a process takes as long as a whole test."""
    site = Site(tmp_path_factory.mktemp("site"), database=template.database)
    yield site
    site.stop()


@pytest.fixture
def site(_running: Site, template: Template) -> Iterator[Site]:
    """Yield the site with fresh demo data. A test may stop the site, and need not start it again."""
    _running.begin(template.database)
    yield _running
    _running.await_departures()
    if not _running.errors_expected:
        assert not _running.tracebacks()


# While Playwright is up, its event loop occupies this thread, and an asynchronous test cannot start another one here.
# So Playwright is up only while the tests of this folder run, which are kept together.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = find_chromium().launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def watch() -> Watch:
    """Return a watch over the complaints of pages; `watch.allow(pattern)` expects some of them."""
    watch = Watch()
    evidence.call_on(watch)
    return watch


class PageFor(Protocol):
    """Opens a page as a user (None: signed out) in a browser context of its own."""

    def __call__(self, user: str | None, path: str = "/", **context_options: Any) -> Page: ...  # Playwright's options


@pytest.fixture
def way() -> str:
    """Return how pages hear from the server. Tests that also hold for "requests" are parametrized with both ways."""
    return "socket"


@pytest.fixture
def page_for(browser: Browser, site: Site, template: Template, watch: Watch, way: str) -> Iterator[PageFor]:
    """Yield a function that opens pages. When the test ends, a complaint of any page fails it."""
    contexts = []

    def open_page(user: str | None, path: str = "/", **context_options: Any) -> Page:
        whereabouts = {"locale": "en-GB", "timezone_id": "Asia/Manila"}
        context = browser.new_context(base_url=site.url, **(whereabouts | context_options))
        contexts.append(context)
        watch.attach(context, user or "nobody")
        if user:
            context.add_cookies([{"name": template.cookie, "value": template.sessions[user], "url": site.url}])
        page = context.new_page()
        if way == "requests":
            watch.allow("WebSocket connection")
            refuse_websockets(page)
        page.goto(path)
        return page

    yield open_page
    try:
        watch.await_writes()
    finally:
        for context in contexts:
            context.close()
    assert watch.complaints() == []


class Visit(Protocol):
    """Returns a person whose page is still blank, so that the test can first route or watch it."""

    def __call__(self, user: str, **context_options: Any) -> Person: ...  # Playwright's options


@pytest.fixture
def visit(page_for: PageFor, site: Site) -> Visit:
    def bring(user: str, **context_options: Any) -> Person:
        return Person(page_for(user, "about:blank", **context_options), site.url)

    return bring


@pytest.fixture
def ana(visit: Visit) -> Person:
    """Return the owner, who has opened an empty month."""
    return visit("ana").goto()


@pytest.fixture
def ben(visit: Visit) -> Person:
    """Return the editor, who has opened the same month in another browser."""
    return visit("ben").goto()


@pytest.fixture
def owner(visit: Visit) -> Person:
    """Return Ana, who has no page open and acts only through the API."""
    return _at_no_page(visit("ana"))


@pytest.fixture
def editor(visit: Visit) -> Person:
    """Return Ben, who has no page open either."""
    return _at_no_page(visit("ben"))


def _at_no_page(person: Person) -> Person:
    # A page would set the CSRF cookie. Django only compares it with the header, so any value will do in both.
    person.page.context.add_cookies([{"name": "csrftoken", "value": "e2e" + "0" * 29, "url": person.url}])
    return person


class Look(Protocol):
    """Opens a link's page as a stranger."""

    def __call__(self, link: dict[str, Any], *, refused: bool = False) -> Stranger: ...


@pytest.fixture
def look(page_for: PageFor, watch: Watch) -> Look:
    def bring(link: dict[str, Any], *, refused: bool = False) -> Stranger:
        page = page_for(None, "about:blank")
        if refused:
            watch.allow("WebSocket connection")
            page.route_web_socket(SOCKETS, WebSocketRoute.close)
        stranger = Stranger(page, page)
        page.goto(link["url"] + LINK_MONTH)
        return stranger.waits_until_live()

    return bring
