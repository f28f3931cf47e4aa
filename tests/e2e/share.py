"""Uses the sidebar's calendars and the share dialog, as a person does."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.e2e.person import PATIENCE_MS, Person


def listed(person: Person, name: str = "Team") -> Locator:
    return person.page.locator("#calendars .calendar-row", has_text=name)


def order(person: Person) -> list[str]:
    return person.page.locator("#calendars .calendar-toggle__name").all_text_contents()


def opens_calendar(person: Person, name: str = "Team") -> Locator:
    listed(person, name).locator("[data-edit-calendar]").click()
    return person.page.locator("#calendar-dialog")


def opens_people(person: Person, name: str = "Team") -> Locator:
    """Open the share dialog of a calendar, and wait until it lists the members."""
    opens_calendar(person, name).locator("[data-share]").click()
    dialog = person.page.locator("#share-dialog")
    expect(dialog.locator("[data-members] .share-row").first).to_be_visible(timeout=PATIENCE_MS)
    return dialog


def row(dialog: Locator, name: str) -> Locator:
    """Return the row of a person or of an invited address."""
    return dialog.locator(".share-row", has_text=name)


def adds(dialog: Locator, to: str, role: str = "editor") -> None:
    """Add a user or an address in a share dialog."""
    dialog.locator("[name=to]").fill(to)
    dialog.locator("[name=role]").select_option(role)
    dialog.get_by_role("button", name="Add", exact=True).click()


def makes_owner(owner: Person, one: Person) -> None:
    """Offer the ownership of Team to a member, and accept the offer, both through the API."""
    calendar = f"/api/calendars/{owner.calendar()}"
    assert owner.call("PATCH", f"{calendar}/members/{one.id}/", data={"role": "owner"}).ok
    assert one.call("POST", f"{calendar}/ownership/", data={"accept": True}).ok
