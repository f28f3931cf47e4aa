"""Tests copying on pages to which the browser gives no clipboard, such as pages that another host sent over http."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.person import PATIENCE_MS, Person
from tests.e2e.share_links import creates_link, links_of, opens_links

NO_CLIPBOARD: Final = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"


@pytest.fixture
def ana(visit: Visit) -> Person:
    ana = visit("ana")
    ana.page.add_init_script(NO_CLIPBOARD)
    return ana.goto()


def test_a_link_is_copied_without_a_clipboard_or_selected(ana: Person) -> None:
    """Seen failing when the page uses only `navigator.clipboard`."""
    row = creates_link(opens_links(ana))
    copy, address = row.get_by_role("button", name="Copy link"), row.locator("[data-address]")
    copy.click()
    expect(ana.toast("The link is copied.")).to_be_visible()
    expect(copy).to_be_focused()
    assert ana.clipboard() == links_of(ana)[0]["url"]
    row.get_by_role("button", name="Close").click()
    expect(row.locator("[data-panel]")).to_be_hidden()
    expect(row.locator("[data-toggle]")).to_be_focused()
    ana.page.evaluate("document.execCommand = () => false")
    copy.click()
    expect(ana.toast("Copy the selected text yourself")).to_be_visible()
    expect(address).to_be_focused()
    assert address.evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)") == links_of(ana)[0]["url"]


def test_what_was_typed_is_copied_without_a_clipboard(ana: Person, editor: Person) -> None:
    """Seen failing when the page uses only `navigator.clipboard`."""
    item = editor.creates("Budget")
    ana.sees(item)
    ana.opens(item).locator("[name=title]").fill("Budget, half typed")
    editor.deletes(item)
    copy = ana.dialog.get_by_role("button", name="Copy the text")
    expect(copy).to_be_visible(timeout=PATIENCE_MS)
    copy.click()
    expect(ana.toast("Copied")).to_be_visible()
    assert ana.clipboard().startswith("Budget, half typed\n")
