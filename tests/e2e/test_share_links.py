"""Tests public links in the share dialog: owners make, copy, change and withdraw them, and strangers see it at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.e2e.conftest import Look, PageFor, Visit
from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.share import makes_owner, opens_people
from tests.e2e.share_links import creates_link, embeds_a_link, links_of, opens_links
from tests.e2e.stranger import Stranger, foreign_site
from tests.e2e.watch import Watch


def test_a_link_made_in_the_dialog_lets_a_stranger_look_until_it_is_withdrawn(
    ana: Person, look: Look, watch: Watch
) -> None:
    """Seen failing when the embed code is copied instead of the link."""
    watch.allow("status of 40[14]")
    item = ana.creates("Open day")
    dialog = opens_links(ana)
    row = creates_link(dialog)
    copy = row.get_by_role("button", name="Copy link")
    expect(copy).to_be_focused()
    copy.click()
    expect(ana.toast("The link is copied.")).to_be_visible()
    address = ana.clipboard()
    assert [link["url"] for link in links_of(ana)] == [address]
    expect(row.locator("[data-address]")).to_have_value(address)
    stranger = look({"url": address})
    stranger.sees(item, "Open day")
    ana.changes(item, title="Open days")
    stranger.sees(item, "Open days")
    row.locator("[data-withdraw]").click()
    row.get_by_role("button", name="Cancel").click()
    expect(row.locator("[data-withdraw]")).to_be_focused()
    stranger.sees(item, "Open days")
    row.locator("[data-withdraw]").click()
    row.get_by_role("button", name="Withdraw", exact=True).click()
    stranger.has_lost_everything()
    expect(row).to_have_count(0, timeout=PATIENCE_MS)
    assert links_of(ana) == []


def test_the_embed_code_shows_the_calendar_on_a_site_that_was_named(ana: Person, page_for: PageFor) -> None:
    """This holds for a calendar's name that contains HTML, too. Seen failing with the name unescaped."""
    now = datetime.now(UTC)
    item = ana.creates("Open day", start=now.isoformat(), end=(now + timedelta(hours=1)).isoformat())
    name = '"><h1>Team</h1>'
    assert ana.call("PATCH", f"/api/calendars/{ana.calendar()}/", data={"name": name}).ok
    ana.page.reload()
    dialog = opens_links(ana.wait_until_live(), name)
    with foreign_site() as (origin, pages):
        pages["/"] = embeds_a_link(ana, dialog, origin)
        page = page_for(None, "about:blank")
        stranger = Stranger(page, page.frame_locator("iframe"))
        page.goto(f"{origin}/")
        stranger.waits_until_live().sees(item, "Open day")
        assert page.locator("iframe").get_attribute("title") == name
        expect(page.locator("h1")).to_have_count(0)


def test_the_link_of_an_item_opens_from_the_embed_code_in_a_tab_that_may_do_everything(
    ana: Person, page_for: PageFor
) -> None:
    """Seen failing without `allow-popups`, and without `allow-popups-to-escape-sandbox`: no form was sent."""
    now = datetime.now(UTC)
    with foreign_site() as (origin, pages), foreign_site() as (elsewhere, others):
        url = f"{elsewhere}/agenda"
        others["/agenda"] = (
            '<link rel="icon" href="data:,"><form action="/sent"><button name="by" value="hand">Send</button></form>'
        )
        others["/sent?by=hand"] = '<link rel="icon" href="data:,">Sent'
        item = ana.creates("Open day", start=now.isoformat(), end=(now + timedelta(hours=1)).isoformat(), url=url)
        pages["/"] = embeds_a_link(ana, opens_links(ana), origin)
        page = page_for(None, "about:blank")
        stranger = Stranger(page, page.frame_locator("iframe"))
        page.goto(f"{origin}/")
        stranger.waits_until_live().place.locator("[data-view=list]").click()
        stranger.sees(item, "Open day")
        stranger.entry(item).click()
        with page.context.expect_page(timeout=PATIENCE_MS) as opened:
            stranger.place.locator("dialog[open] #item-link a").click()
        expect(opened.value).to_have_url(url, timeout=PATIENCE_MS)
        opened.value.get_by_role("button", name="Send").click()
        expect(opened.value).to_have_url(f"{elsewhere}/sent?by=hand", timeout=PATIENCE_MS)


def test_what_a_link_may_not_be_is_said_at_its_field(ana: Person, watch: Watch) -> None:
    """Seen failing with the errors of all fields shown above the list."""
    watch.allow("status of 422")
    dialog = opens_links(ana)
    dialog.get_by_role("button", name="New public link").click()
    form = dialog.locator("[data-new-link]")
    name, sites = form.get_by_label("Name"), form.get_by_label("Sites that may embed it")
    sites.fill("https://www.example.org example.net/calendar")
    name.press("Enter")
    expect(name).to_have_accessible_description(re.compile("^Enter a name."), timeout=PATIENCE_MS)
    expect(name).to_be_focused()
    name.fill("Website")
    name.press("Enter")
    expect(form.locator("[data-field=frameOrigins] [role=alert]")).to_contain_text(
        "“example.net/calendar”", timeout=PATIENCE_MS
    )
    for field, is_wrong in ((sites, "true"), (name, "false")):
        expect(field).to_have_attribute("aria-invalid", is_wrong)
    expect(sites).to_be_focused()
    expect(sites).to_have_value("https://www.example.org example.net/calendar")
    sites.fill("https://www.example.org")
    last_day = form.get_by_label("Last day")
    last_day.fill("2020-02-29")
    last_day.press("Enter")
    expect(last_day).to_have_accessible_description(re.compile("^Must be in the future."), timeout=PATIENCE_MS)
    assert links_of(ana) == []


def test_a_link_without_a_name_is_refused_in_full_view(visit: Visit, watch: Watch) -> None:
    """Seen failing with the button half below the edge, and with a field that does not say that it is required."""
    watch.allow("status of 422")
    ana = visit("ana", viewport={"width": 1280, "height": 850}).goto()
    dialog = opens_links(ana)
    dialog.get_by_role("button", name="New public link").click()
    form = dialog.locator("[data-new-link]")
    name, create = form.get_by_role("textbox", name="Name", exact=True), form.get_by_role("button", name="Create link")
    expect(name).to_have_attribute("required", "")
    assert name.evaluate("field => getComputedStyle(field.labels[0], '::after').content").startswith('" *"')
    create.click()
    expect(name).to_have_accessible_description(re.compile("^Enter a name."), timeout=PATIENCE_MS)
    for place in (form.locator("[data-field=name] [role=alert]"), create):
        assert place.evaluate(
            """place => {
                const content = place.closest(".dialog__content").getBoundingClientRect();
                const { top, bottom } = place.getBoundingClientRect();
                return top >= content.top && bottom <= content.bottom;
            }"""
        )


def test_half_a_date_makes_no_link_without_an_end(ana: Person) -> None:
    """Seen failing when the page reads only the field's value, which is empty for half a date."""
    dialog = opens_links(ana)
    dialog.get_by_role("button", name="New public link").click()
    form = dialog.locator("[data-new-link]")
    form.get_by_label("Name").fill("Website")
    last_day = form.get_by_label("Last day")
    last_day.press_sequentially("31")
    last_day.press("Enter")
    expect(form.locator("[data-field=expiresAt] [role=alert]")).to_have_text("Enter a complete date.")
    assert links_of(ana) == []


def test_a_changed_link_shows_less_at_once(ana: Person, look: Look) -> None:
    """The page sends only changed fields, so the end set by the API stays. Seen failing when it sends all fields."""
    ends = (datetime.now(UTC) + timedelta(days=9)).strftime("%Y-%m-%dT12:34:56Z")
    body = {"name": "Website", "shows": "full", "expiresAt": ends}
    link = ana.call("POST", f"/api/calendars/{ana.calendar()}/links/", data=body).json()
    item = ana.creates("Open day")
    stranger = look(link)
    stranger.sees(item, "Open day")
    row = opens_links(ana).locator(".link-row")
    row.locator("[data-toggle]").click()
    row.get_by_label("Shows").select_option("freebusy")
    row.get_by_label("Sites that may embed it").fill("https://WWW.example.org/\nhttp://localhost:8080")
    row.get_by_role("button", name="Save").click()
    stranger.sees(item, "Busy")
    assert "Open day" not in stranger.page.content()
    expect(row).to_contain_text("can be embedded on www.example.org, localhost:8080", timeout=PATIENCE_MS)
    expect(row.get_by_label("Sites that may embed it")).to_have_value("https://www.example.org\nhttp://localhost:8080")
    expect(row.locator("[data-code]")).to_be_visible()
    [now] = links_of(ana)
    assert now == link | {"shows": "freebusy", "frameOrigins": ["https://www.example.org", "http://localhost:8080"]}


def test_the_last_day_of_a_link_is_lasted_out(ana: Person) -> None:
    """The day ends in the reader's time zone, here Manila's. Seen failing when the page sends the day's beginning."""
    day = datetime.now(UTC).date() + timedelta(days=30)
    row = creates_link(opens_links(ana), last_day=day.isoformat())
    [link] = links_of(ana)
    assert link["expiresAt"] == f"{day}T16:00:00Z"
    expect(row).to_contain_text(f"until {day.day} ")
    expect(row.get_by_label("Last day")).to_have_value(day.isoformat())


def test_a_link_that_ends_while_it_is_listed_is_shown_as_ended(ana: Person) -> None:
    """Seen failing when the list is shown anew only when it is read from the server."""
    ends = datetime.now(UTC) + timedelta(seconds=30)
    body = {"name": "Website", "shows": "full", "expiresAt": ends.isoformat(timespec="seconds")}
    assert ana.call("POST", f"/api/calendars/{ana.calendar()}/links/", data=body).ok
    ana.page.clock.install()
    row = opens_links(ana).locator(".link-row")
    expect(row).to_contain_text("until")
    ana.page.clock.fast_forward(30_000)
    expect(row).to_contain_text("ended")
    expect(row.get_by_role("button", name="Copy link")).to_be_hidden()


def test_an_editor_sees_nothing_of_the_links(ana: Person, ben: Person) -> None:
    creates_link(opens_links(ana))
    dialog = opens_people(ben)
    expect(dialog.locator("[data-link-section]")).to_be_hidden()
    expect(dialog.locator(".link-row")).to_have_count(0)


def test_what_another_owner_does_with_a_link_is_followed_while_one_types(ana: Person, ben: Person) -> None:
    """Seen failing when each reading fills the whole form, and when no description of a calendar has `sharing`."""
    calendar = f"/api/calendars/{ana.calendar()}"
    makes_owner(ana, ben)
    dialog = opens_links(ana)
    row, other = creates_link(dialog), creates_link(dialog, "Poster")
    row.get_by_label("Name").fill("Website of the")
    website, poster = links_of(ben)
    assert ben.call("PATCH", f"{calendar}/links/{website['id']}/", data={"shows": "freebusy"}).ok
    assert ben.call("DELETE", f"{calendar}/links/{poster['id']}/").ok
    expect(other).to_have_count(0, timeout=PATIENCE_MS)
    expect(row.get_by_label("Shows")).to_have_value("freebusy")
    expect(row.get_by_label("Name")).to_have_value("Website of the")
    expect(row.get_by_label("Name")).to_be_focused()
    row.get_by_role("button", name="Save").click()
    expect(row.locator("[data-name]")).to_have_text("Website of the", timeout=PATIENCE_MS)
    assert [(link["name"], link["shows"]) for link in links_of(ben)] == [("Website of the", "freebusy")]
