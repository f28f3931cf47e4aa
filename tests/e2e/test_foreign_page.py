"""Tests the page of a host site with a model of its own: by one script tag, its rows appear, change and vanish live."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from testbed.waiting import wait_until
from tests.e2e.conftest import PageFor, Template, Visit
from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.site import Site
from tests.host import ROOT, blocks

BOOK = (
    """
from datetime import datetime, UTC
from calendar_live.models import Calendar
from tests.foreign.bookings import book
calendar = Calendar.objects.get(name="Team")
book(calendar.pk, room="Mayon", guest="Rosa", start=datetime(2027, 3, 17, 2, tzinfo=UTC), """
    "end=datetime(2027, 3, 17, 3, tzinfo=UTC))\n"
)
RENAME = """
from tests.foreign.bookings import rename
from tests.foreign.models import Booking
rename(Booking.objects.get(), guest="Pia")
"""
CANCEL = """
from tests.foreign.bookings import cancel
from tests.foreign.models import Booking
cancel(Booking.objects.get())
"""
# Written past the log and past the constraints of the database, like a row that an older version accepted.
PAST_THE_LOG = """
from datetime import datetime, UTC
from django.db import connection
from calendar_live.models import Calendar
from tests.foreign.models import Booking
calendar = Calendar.objects.get(name="Team")
start, end = datetime(2027, 3, 18, 2, tzinfo=UTC), datetime(2027, 3, 18, 3, tzinfo=UTC)
connection.cursor().execute("PRAGMA ignore_check_constraints = 1")
Booking.objects.bulk_create([Booking(calendar=calendar, room="Taal", guest="Nobody", start=start, end=end)])
"""
UNREADABLE = """
from datetime import datetime, UTC
from calendar_live.models import Calendar
from tests.foreign.bookings import book
from tests.foreign.models import Booking
calendar = Calendar.objects.get(name="Team")
start, end = datetime(2027, 3, 19, 2, tzinfo=UTC), datetime(2027, 3, 19, 3, tzinfo=UTC)
spoilt = book(calendar.pk, room="Taal", guest="Nobody", start=start, end=end)
Booking.objects.filter(pk=spoilt.pk).update(wire=spoilt.wire.replace("02:00:00Z", "02:00:00+00:00"))
"""


FEEDS_ANSWERED = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/feed/')).length"


@pytest.fixture
def site(template: Template, tmp_path: Path) -> Iterator[Site]:
    """Yield a host site: the same database, plus the table of the host's own app."""
    site = Site(tmp_path, database=template.database, settings="tests.foreign.settings")
    site.manage("migrate", "--run-syncdb", "-v0")
    site.start()
    try:
        yield site
    finally:
        site.stop()
    assert not site.tracebacks()


def test_its_rows_appear_change_and_vanish_on_its_own_page(page_for: PageFor, site: Site) -> None:
    page = page_for("ben", "/bookings/")
    expect(page.locator("#bookings")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    feeds: list[str] = []
    feeds_of_the_page = len(page.request.get("/api/calendars/").json()) * page.locator("[data-live-calendar]").count()
    wait_until(
        lambda: page.evaluate(FEEDS_ANSWERED) == feeds_of_the_page,
        what="the feed of each calendar in each widget",
        timeout_seconds=PATIENCE_MS / 1_000,
    )
    page.on("request", lambda request: feeds.append(request.url) if "/feed/" in request.url else None)
    entry = page.locator("#bookings [data-item]", has_text="Mayon")
    expect(entry).to_have_count(0)
    site.manage("shell", "--no-imports", "-c", BOOK)
    expect(entry).to_contain_text("Rosa · Mayon", timeout=PATIENCE_MS)
    site.manage("shell", "--no-imports", "-c", RENAME)
    expect(entry).to_contain_text("Pia", timeout=PATIENCE_MS)
    site.manage("shell", "--no-imports", "-c", CANCEL)
    expect(entry).to_have_count(0, timeout=PATIENCE_MS)
    assert feeds == []
    expect(page.locator("#agenda")).to_contain_text("Nothing booked")  # the page's words, not FullCalendar's


def test_a_row_saved_past_the_log_takes_no_other_row_off_the_page(page_for: PageFor, site: Site) -> None:
    """Seen failing: `{…},,{…}` is not JSON, so the page stayed empty, said "live", and reported nothing."""
    site.manage("shell", "--no-imports", "-c", BOOK)
    site.manage("shell", "--no-imports", "-c", PAST_THE_LOG)
    page = page_for("ben", "/bookings/")
    expect(page.locator("#bookings [data-item]", has_text="Mayon")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator("#bookings [data-item]", has_text="Taal")).to_have_count(0)
    expect(page.locator("#bookings")).to_have_attribute("data-status", "live", timeout=PATIENCE_MS)
    assert "is no event object of that row" in site.log()


def test_a_row_that_no_page_can_read_is_said_and_takes_no_other_row_off_it(page_for: PageFor, site: Site) -> None:
    """Seen failing: the page rejected the whole feed, requested it again and again, and stayed empty."""
    site.manage("shell", "--no-imports", "-c", BOOK)
    site.manage("shell", "--no-imports", "-c", UNREADABLE)
    page = page_for("ben", "/?date=2027-03-15")
    expect(page.locator("#calendar [data-item]", has_text="Mayon")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator("#calendar [data-item]", has_text="Taal")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Some items could not be read and are not shown.")
    page.goto(f"{site.url}/bookings/")
    expect(page.locator("#bookings [data-item]", has_text="Mayon")).to_have_count(1, timeout=PATIENCE_MS)
    expect(page.locator("#bookings")).to_have_attribute("data-unreadable", "")


# The button of docs/embedding.md, on a page that has htmx and nothing of calendar_live.
HTMX_PAGE = """
<!doctype html>
<title>Items</title>
<script src="/htmx.js"></script>
<script>
  document.addEventListener("workItemDeleted", ({ detail }) => document.getElementById(detail.id).remove());
  document.addEventListener("htmx:config:request", ({ detail }) => {
    const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
    if (detail.ctx.request.method !== "GET") detail.ctx.request.headers["X-CSRFToken"] = token;
  });
</script>
<ul><li id="ITEM">Kestrel BUTTON</li></ul>
"""
HTMX = ROOT / "frontend/node_modules/htmx.org/dist/htmx.min.js"


def htmx_page(row: dict[str, str]) -> str:
    """Return the page for an item. This site has the API at /api/."""
    [button] = [one for one in blocks((ROOT / "docs/embedding.md").read_text(), "html") if "hx-delete" in one]
    names = {"{calendar}": row["calendar"], "{item}": row["id"], "{state}": row["state"], "/calendar/api/": "/api/"}
    for name, value in names.items():
        button = button.replace(name, value)
    return HTMX_PAGE.replace("ITEM", row["id"]).replace("BUTTON", button)


def test_a_page_with_htmx_alone_deletes_an_item_and_hears_that_it_is_gone(owner: Person, visit: Visit) -> None:
    """Seen failing without HX-Trigger in the answer to DELETE, and with a slip in the printed button."""
    ben = visit("ben").goto()
    item = owner.creates("Kestrel")
    ben.sees(item)
    row = owner.call("GET", owner.path_of(item)).json()
    owner.page.route("**/htmx.js", lambda route: route.fulfill(path=HTMX, content_type="text/javascript"))
    owner.page.route("**/items-by-htmx/", lambda route: route.fulfill(body=htmx_page(row), content_type="text/html"))
    owner.page.goto(f"{owner.url}/items-by-htmx/")
    owner.page.get_by_role("button", name="Delete").click()
    expect(owner.page.get_by_text("Kestrel")).to_have_count(0, timeout=PATIENCE_MS)
    ben.sees_nothing_of(item)
