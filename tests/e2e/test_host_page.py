"""Tests a host site that is written as docs/embedding.md says, with its script tag on a page, in a browser."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from testbed.servers import LOOPBACK, free_port
from testbed.waiting import wait_until
from tests import host
from tests.e2e.person import PATIENCE_MS
from tests.e2e.watch import Watch

COLOR: Final = "#2563eb"  # that of `share` in docs/embedding.md
SCHEMES: Final = {"light": "#ffffff", "dark": "#18191c"}  # the palette's ground
PHRASE: Final = "a long enough phrase"
ITEM: Final = "Planning week"

URLS: Final = """
from django.http import HttpResponse
from django.template import engines
from django.views.static import serve


def page(request, name):
    return HttpResponse(engines["django"].from_string(PAGES[name]).render({}, request))


urlpatterns += [
    path("pages/<name>/", page),
    path("bundle/<path:path>", serve, {"document_root": "bundle"}),
]
"""
# Runs in the host's process: make the calendar of the document, with an item of whole days.
FILL: Final = f"""
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from calendar_live.services.work_items import create_item
from django.contrib.auth import get_user_model
from django.test import Client
from mysite.team import plan, share

ana = get_user_model().objects.get(username="ana")
team = share(ana, get_user_model().objects.create_user("ben"))
plan(team, ana)
days = {{"all_day": True, "start": datetime(2027, 3, 16, tzinfo=UTC), "end": datetime(2027, 3, 17, tzinfo=UTC)}}
create_item(team.pk, actor=ana, item_id=uuid4(), fields={{"title": "{ITEM}"}} | days)
today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
days = {{"all_day": True, "start": today, "end": today + timedelta(days=1)}}
create_item(team.pk, actor=ana, item_id=uuid4(), fields={{"title": "Today's item"}} | days)
client = Client()
client.force_login(ana)
print(client.cookies["sessionid"].value)
"""


def tag(attributes: str = "") -> str:
    """Return the printed script tag with more attributes. Of two with the same name, browsers take the first."""
    return host.script_tag().replace("<div ", f"<div {attributes} ", 1)


def document(body: str, *, head: str = "", lang: str = "en") -> str:
    return f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><link rel="icon" href="data:,">{head}{body}'


MARCH: Final = 'data-date="2027-03-15"'
WORDS: Final = 'data-today="Heute" data-previous="Zurück" data-next="Weiter" data-all-day="ganztägig"'
# The host's rules come before the style sheet of the calendar, so only their weight can decide.
OWN_RULES: Final = """
<style>:root { --fc-breezy-background: rgb(1, 2, 3) } [data-live-calendar] { height: 500px }</style>
"""
PAGES: Final = {
    "as-printed": document(host.script_tag()),
    "both-schemes": document(tag(MARCH), head='<meta name="color-scheme" content="light dark">'),
    "light-alone": document(tag(MARCH)),
    "own-rules": document(tag(MARCH), head=OWN_RULES),
    "german": document(tag(f"{MARCH} {WORDS}"), lang="de"),
    "plug-in": document(
        '<link rel="stylesheet" href="/bundle/plug-in.css"><div id="calendar"></div>'
        '<script type="module" src="/bundle/plug-in.js"></script>'
    ),
    "lost": document(tag('data-api="/elsewhere/"')),
    "lost-in-german": document(tag('data-api="/elsewhere/" data-not-loaded="Kein Kalender."'), lang="de"),
}


@dataclass(frozen=True)
class Host:
    """The running site, and Ana's session in it."""

    folder: Path
    url: str
    session: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    host.start_site(folder)
    with (folder / "mysite/urls.py").open("a") as urls:
        urls.write(f"PAGES = {PAGES!r}\n{URLS}")
    bundle_plug_in(folder)
    host.run(folder, "manage.py", "migrate", "--verbosity", "0")
    host.create_user(folder, "ana", PHRASE)
    session = host.run(folder, "manage.py", "shell", "--no-imports", "-c", FILL).strip()
    url = f"http://{LOOPBACK}:{free_port()}"
    command = [sys.executable, "manage.py", "runserver", "--noreload", url.removeprefix("http://")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=host.environ(folder), stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(url), what=url, timeout_seconds=PATIENCE_MS / 1_000)
        yield Host(folder, url, session)
    finally:
        server.terminate()
        server.wait()
    assert "Traceback" not in (folder / "log").read_text()


# How the bundler of a host writes one script and one style sheet. The plug-in is the built one, as it is packed.
VITE: Final = """
export default {
  publicDir: false,
  resolve: { alias: { "@calendar-live/fullcalendar": "%(plug_in)s" }, dedupe: ["fullcalendar", "temporal-polyfill"] },
  build: {
    outDir: "bundle",
    target: "es2022",
    cssCodeSplit: false,
    rolldownOptions: {
      input: "main.ts",
      output: { entryFileNames: "plug-in.js", assetFileNames: "plug-in[extname]" },
    },
  },
};
"""


def bundle_plug_in(folder: Path) -> None:
    """Bundle the printed example of the plug-in."""
    front = host.ROOT / "frontend"
    text = (host.ROOT / "docs/embedding.md").read_text()
    [example] = [one for one in host.blocks(text, "ts") if "new Calendar(" in one]
    (folder / "main.ts").write_text(example)
    (folder / "vite.config.js").write_text(VITE % {"plug_in": front / "dist/live-calendar.js"})
    (folder / "node_modules").symlink_to(front / "node_modules")
    done = subprocess.run([front / "node_modules/.bin/vite", "build"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/calendar/healthz", timeout=30) as answer:  # noqa: S310 - our own http URL
            return bool(answer.status == 200)
    except OSError:
        return False


class Open(Protocol):
    """Opens a page of the host, as Ana or as a visitor who is not signed in."""

    def __call__(self, name: str, *, signed_in: bool = True, **options: Any) -> Page: ...  # Playwright's options


@pytest.fixture
def open_page(browser: Browser, site: Host, watch: Watch) -> Iterator[Open]:
    contexts = []

    def bring(name: str, *, signed_in: bool = True, **options: Any) -> Page:
        context = browser.new_context(base_url=site.url, locale="en-GB", timezone_id="Asia/Manila", **options)
        contexts.append(context)
        watch.attach(context, "ana" if signed_in else "nobody")
        if signed_in:
            context.add_cookies([{"name": "sessionid", "value": site.session, "url": site.url}])
        page = context.new_page()
        page.goto(f"/pages/{name}/")
        return page

    yield bring
    for context in contexts:
        context.close()
    assert watch.complaints() == []


# Returns the colours of all lines that are drawn in an element.
LINES: Final = """element => [...element.querySelectorAll("*")].flatMap((one) =>
    ["Top", "Right", "Bottom", "Left"].flatMap((side) => {
        const style = getComputedStyle(one);
        return parseFloat(style[`border${side}Width`]) ? [style[`border${side}Color`]] : [];
    }))"""


def calendar_of(page: Page) -> Locator:
    return page.locator("[data-live-calendar]")


def is_live(page: Page) -> Locator:
    expect(calendar_of(page)).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    return calendar_of(page)


def entry_of(page: Page) -> Locator:
    entry = is_live(page).locator("[data-item]", has_text=ITEM).first
    expect(entry).to_be_visible(timeout=PATIENCE_MS)
    return entry


def computed(place: Locator, name: str) -> str:
    return str(place.evaluate("(element, name) => getComputedStyle(element)[name]", name))


def painted(page: Page, css: str) -> str:
    """Return how the browser writes a colour."""
    script = """css => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.backgroundColor = css;
        return getComputedStyle(probe).backgroundColor;
    }"""
    return str(page.evaluate(script, css))


def tint(page: Page, ground: str) -> str:
    """Return the ground of an item as FullCalendar's theme mixes it from the calendar's colour."""
    return painted(page, f"color-mix(in oklab, {COLOR} 20%, {ground})")


def test_the_script_tag_works_as_printed(open_page: Open) -> None:
    """Seen failing with the snippet that asked /api/, where this host has nothing."""
    page = open_page("as-printed")
    calendar = is_live(page)
    title = calendar.get_by_role("heading").first
    today = title.inner_text()
    for name in ("Next Week", "This Week", "Previous Week"):
        calendar.get_by_role("button", name=name).click()
        if name == "This Week":
            expect(title).to_have_text(today)
        else:
            expect(title).not_to_have_text(today)


def test_a_visitor_who_is_not_signed_in_sees_no_calendar(open_page: Open, watch: Watch) -> None:
    """Seen failing with the snippet that asked /api/."""
    watch.allow("401")
    page = open_page("as-printed", signed_in=False)
    expect(calendar_of(page)).to_have_attribute("data-status", "signed-out", timeout=PATIENCE_MS)
    expect(page.locator("body")).to_have_text("")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_its_items_have_the_colour_of_their_calendar(open_page: Open, scheme: str) -> None:
    """Seen failing without the palette: items were transparent, and the lines had the colour of the text."""
    page = open_page("both-schemes", color_scheme=scheme)
    entry = entry_of(page)
    assert computed(entry, "backgroundColor") == tint(page, SCHEMES[scheme])
    lines = set(calendar_of(page).evaluate(LINES))
    assert lines
    assert computed(page.locator("body"), "color") not in lines


def test_it_is_light_on_a_page_that_is_always_light(open_page: Open) -> None:
    """Seen failing when Vite replaced light-dark() by the visitor's scheme."""
    page = open_page("light-alone", color_scheme="dark")
    assert computed(entry_of(page), "backgroundColor") == tint(page, SCHEMES["light"])


def test_the_rules_of_the_page_win(open_page: Open) -> None:
    """Seen failing with `:root` in place of `:where(:root)`."""
    page = open_page("own-rules")
    assert computed(entry_of(page), "backgroundColor") == tint(page, "rgb(1, 2, 3)")
    box = calendar_of(page).bounding_box()
    assert box is not None
    assert box["height"] == 500


def test_a_phone_shows_the_days_of_a_week_and_no_scroll_bar(open_page: Open) -> None:
    """Seen failing with FullCalendar's own heads, which are letters alone in such columns."""
    page = open_page("both-schemes", viewport={"width": 375, "height": 760})
    entry_of(page)
    for day in range(15, 22):
        expect(calendar_of(page).get_by_text(str(day), exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 375


def test_it_speaks_the_language_of_its_page(open_page: Open) -> None:
    """Seen failing without `data-today`, and with FullCalendar's English dates."""
    page = open_page("german")
    entry_of(page)
    for name in ("Heute", "Zurück", "Weiter"):
        expect(calendar_of(page).get_by_role("button", name=name)).to_be_visible()
    expect(calendar_of(page)).to_contain_text("März")
    expect(calendar_of(page)).to_contain_text("ganztägig")


@pytest.mark.parametrize(
    ("name", "told"),
    [("lost", "The calendar could not be loaded. Reload the page to try again."), ("lost-in-german", "Kein Kalender.")],
)
def test_a_page_without_an_answer_says_so(open_page: Open, watch: Watch, name: str, told: str) -> None:
    """Seen failing: the page was blank, and only the developer's tools knew of the 404."""
    page = open_page(name)
    expect(page.get_by_role("alert")).to_have_text(told, timeout=PATIENCE_MS)
    expect(calendar_of(page)).to_have_attribute("data-status", "http_404")
    assert any("data-api" in complaint for complaint in watch.complaints())
    watch.allow("404")


RENAME: Final = """
from calendar_live.models import WorkItem
from calendar_live.services.work_items import update_item
from django.contrib.auth import get_user_model

ana = get_user_model().objects.get(username="ana")
item = WorkItem.objects.get(title="Today's item")
changes = {"title": "Another name"}
update_item(item.calendar_id, actor=ana, item_id=item.pk, changes=changes, expected_state=None)
"""


def test_the_plug_in_works_as_printed(open_page: Open, site: Host) -> None:
    """Seen failing with an address of the API at which this host has nothing."""
    page = open_page("plug-in")
    expect(page.locator("#calendar")).to_contain_text("Today's item", timeout=PATIENCE_MS)
    host.run(site.folder, "manage.py", "shell", "--no-imports", "-c", RENAME)
    expect(page.locator("#calendar")).to_contain_text("Another name", timeout=PATIENCE_MS)
