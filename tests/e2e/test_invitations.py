"""Tests invitations from end to end: the dialog, the mail, the link, the account, and the owner's open dialog again."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Locator, Page, expect

from testbed.waiting import wait_until
from tests.e2e.conftest import PageFor
from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.share import adds, listed, opens_people, row
from tests.e2e.site import Site
from tests.e2e.watch import Watch

EVE: Final = "eve@example.org"
PASSPHRASE: Final = "a long enough phrase"


def invites(dialog: Locator, address: str, role: str = "editor") -> None:
    """Invite an address, and wait until it is listed as mailed."""
    adds(dialog, address, role)
    invited = dialog.locator("[data-invitations]")
    expect(row(invited, address)).to_contain_text("until", timeout=PATIENCE_MS)


def link_to(site: Site, address: str) -> str:
    """Return the link in the last mail to an address."""
    [link] = re.findall(r"^http\S+/invitations/\S+/$", site.mail_to(address), re.MULTILINE)
    return str(link)


def is_in(dialog: Locator, name: str, role: str) -> None:
    """Wait until an open dialog lists a person among the members, with a role, and lists no invitation."""
    member = row(dialog.locator("[data-members]"), name)
    expect(member.locator("select")).to_have_value(role, timeout=PATIENCE_MS)
    expect(dialog.locator("[data-invited]")).to_be_hidden()


def opens_nothing(page: Page, link: str) -> None:
    """Open a link that has ended. Check that its page says so and does not reveal what the link was for."""
    page.goto(link)
    expect(page.locator("h1")).to_have_text("This invitation is no longer open")
    received = page.content()
    for leak in ("Team", "Ana", EVE):
        assert leak not in received


def test_someone_without_an_account_makes_one_and_the_calendar_is_there(
    ana: Person, site: Site, page_for: PageFor
) -> None:
    """Seen failing without `tell_of_sharing` in `_accept`: the owner's dialog still showed an invitation.

    Seen failing when the page read a member's address next to the user instead of in it.
    """
    item = ana.creates("Kick-off")
    dialog = opens_people(ana)
    invites(dialog, EVE)
    expect(ana.toast(f"{EVE} was sent an invitation.")).to_be_visible()
    page = page_for(None, link_to(site, EVE))
    expect(page.locator("h1")).to_have_text("Join Team")
    expect(page.locator(".sign-in")).to_contain_text("Ana invites you, as editor.")
    expect(page.locator(".sign-in")).to_contain_text(f"Its e-mail address will be {EVE}.")
    page.locator("[name=name]").fill("Eve Example")
    page.locator("[name=username]").fill("eve")
    page.locator("[name=password]").fill("short")
    page.get_by_role("button", name="Create the account and join").click()
    expect(page.locator(".field--wrong")).to_contain_text("too short", timeout=PATIENCE_MS)
    page.locator("[name=password]").fill(PASSPHRASE)
    page.get_by_role("button", name="Create the account and join").click()
    is_in(dialog, "Eve Example", "editor")
    expect(row(dialog, "Eve Example")).to_contain_text(f"eve · {EVE}")
    eve = Person(page, site.url)
    expect(listed(eve)).to_be_visible(timeout=PATIENCE_MS)
    eve.goto().sees(item, "Kick-off")
    eve.opens(item).locator("[name=title]").fill("Kick-off with Eve")
    eve.dialog.locator("[data-save]").click()
    ana.sees(item, "Kick-off with Eve")


def test_an_invitation_that_ends_while_it_is_listed_is_listed_no_more(ana: Person, site: Site) -> None:
    """The focus is not lost with the invitation.

    Seen failing when the list is shown anew only when it is read from the server, and without `focusInside` there.
    """
    dialog = opens_people(ana)
    invites(dialog, EVE)
    for opened in (dialog, ana.page.locator("#calendar-dialog")):
        ana.page.keyboard.press("Escape")
        expect(opened).to_be_hidden()
    site.let_time_pass(minutes=7 * 24 * 60 - 0.5)  # all but 30 s
    ana.page.clock.install()
    dialog = opens_people(ana)
    row(dialog, EVE).locator("[data-withdraw]").focus()
    ana.page.clock.fast_forward(30_000)
    expect(row(dialog, EVE)).to_have_count(0)
    expect(dialog.locator("[data-invited]")).to_be_hidden()
    expect(dialog.locator("[data-close]").first).to_be_focused()


def test_someone_with_an_account_signs_in_and_joins(ana: Person, site: Site, page_for: PageFor, watch: Watch) -> None:
    """The address need not be the account's. The link works once."""
    watch.allow("status of 404")
    item = ana.creates("Kick-off")
    dialog = opens_people(ana)
    invites(dialog, "dan.at.home@example.org", "viewer")
    link = link_to(site, "dan.at.home@example.org")
    page = page_for(None, link)
    page.get_by_role("link", name="I have an account: sign in").click()
    page.locator("[name=username]").fill("dan")
    page.locator("[name=password]").fill("demo")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".sign-in")).to_contain_text("You are signed in as Dan.", timeout=PATIENCE_MS)
    page.get_by_role("button", name="Join Team as viewer").click()
    is_in(dialog, "Dan", "viewer")
    dan = Person(page, site.url)
    expect(listed(dan).get_by_text("view only")).to_be_visible(timeout=PATIENCE_MS)
    dan.goto().sees(item, "Kick-off")
    opens_nothing(page_for(None, "about:blank"), link)


def test_an_invitation_is_sent_again_and_then_withdrawn(
    ana: Person, site: Site, page_for: PageFor, watch: Watch
) -> None:
    """Each new link ends the one before."""
    watch.allow("status of (404|429)")
    dialog = opens_people(ana)
    invites(dialog, EVE)
    first = link_to(site, EVE)
    invited = row(dialog, EVE)
    invited.get_by_role("button", name="Send again").click()
    expect(dialog.locator("[data-problem]")).to_contain_text("Wait 60 seconds", timeout=PATIENCE_MS)
    site.let_time_pass(minutes=2)
    invited.get_by_role("button", name="Send again").click()
    wait_until(lambda: link_to(site, EVE) != first, what="the second mail")
    second = link_to(site, EVE)
    expect(dialog.locator("[data-problem]")).to_be_hidden()
    page = page_for(None, "about:blank")
    opens_nothing(page, first)
    page.goto(second)
    expect(page.locator("h1")).to_have_text("Join Team")
    invited.locator("[data-withdraw]").click()
    invited.get_by_role("button", name="Withdraw", exact=True).click()
    expect(dialog.locator("[data-invited]")).to_be_hidden(timeout=PATIENCE_MS)
    opens_nothing(page, second)
    page_of_dan = page_for("dan", "about:blank")
    opens_nothing(page_of_dan, second)
    expect(page_of_dan.get_by_role("link", name="Go to the calendar")).to_be_visible()
