"""Opens, makes and lists public links, in the share dialog as an owner does and through the API."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.share import opens_people


def opens_links(person: Person, name: str = "Team") -> Locator:
    """Open the share dialog of a calendar, and wait until it offers a new public link."""
    dialog = opens_people(person, name)
    expect(dialog.get_by_role("button", name="New public link")).to_be_visible(timeout=PATIENCE_MS)
    return dialog


def creates_link(dialog: Locator, name: str = "Website", *, sites: str = "", last_day: str = "") -> Locator:
    """Make a link in the dialog. Return its row, whose panel is open."""
    dialog.get_by_role("button", name="New public link").click()
    form = dialog.locator("[data-new-link]")
    form.get_by_label("Name").fill(name)
    form.get_by_label("Sites that may embed it").fill(sites)
    form.get_by_label("Last day").fill(last_day)
    form.get_by_role("button", name="Create link").click()
    row = dialog.locator(".link-row", has_text=name)
    expect(row.locator("[data-panel]")).to_be_visible(timeout=PATIENCE_MS)
    return row


def links_of(owner: Person) -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = owner.call("GET", f"/api/calendars/{owner.calendar()}/links/").json()
    return links


def embeds_a_link(person: Person, dialog: Locator, origin: str) -> str:
    """Make a link that a site may embed, and return a page of that site with the copied embed code."""
    creates_link(dialog, sites=origin).get_by_role("button", name="Copy embed code").click()
    expect(person.toast("The embed code is copied.")).to_be_visible()
    return f'<!doctype html><link rel="icon" href="data:,">{person.clipboard()}'
