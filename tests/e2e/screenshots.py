"""Takes the screenshots of the README from a freshly seeded site. Run it by `make screenshots`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import find_chromium
from tests.e2e.person import DAY, MONTH, Person
from tests.e2e.site import ROOT, Site

PICTURES: Final = ROOT / "docs" / "images"
DESK: Final = {"width": 1280, "height": 800}
HALF: Final = {"width": 800, "height": 720}
PHONE: Final = {"width": 390, "height": 844}
CONTEXTS: Final[dict[str, dict[str, Any]]] = {  # Playwright's options
    "calendar-light": {"viewport": DESK, "color_scheme": "light"},
    "calendar-dark": {"viewport": DESK, "color_scheme": "dark"},
    "calendar-phone": {"viewport": PHONE, "device_scale_factor": 2, "has_touch": True, "is_mobile": True},
}


class Studio:
    """A seeded site with two people signed in."""

    def __init__(self, site: Site, browser: Browser) -> None:
        command = [sys.executable, "-m", "tests.e2e.sign_in", "ana", "ben"]
        made = json.loads(subprocess.run(command, cwd=ROOT, env=site.environ, check=True, capture_output=True).stdout)
        self._cookie, self._sessions = made["cookie"], made["sessions"]
        self._site, self._browser = site, browser

    def invite(self, user: str, **options: Any) -> Person:
        """Return a person in a browser context of their own, whose page is still blank."""
        context = self._browser.new_context(
            base_url=self._site.url, locale="en-GB", timezone_id="Asia/Manila", **options
        )
        context.add_cookies([{"name": self._cookie, "value": self._sessions[user], "url": self._site.url}])
        return Person(context.new_page(), self._site.url)


def main() -> None:
    """Write one screenshot for each of CONTEXTS, and the two that show two browsers."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder))
        site.release()
        site.start()
        browser = find_chromium().launch(playwright)
        studio = Studio(site, browser)
        for name, options in CONTEXTS.items():
            person = studio.invite("ana", **options).goto("/")
            person.page.locator("#calendar [data-item]").first.wait_for()
            person.page.screenshot(path=PICTURES / f"{name}.png")
        _two_browsers(studio, browser)
        browser.close()
        site.stop()
    print(*sorted(str(path.relative_to(ROOT)) for path in PICTURES.glob("*.png")), sep="\n")


def _two_browsers(studio: Studio, browser: Browser) -> None:
    """Write Ana's page and Ben's side by side, before and after Ana deletes an item."""
    ana, ben = (studio.invite(user, viewport=HALF).goto(MONTH) for user in ("ana", "ben"))
    item = ana.creates("Launch party")
    ana.creates("Design review", start=f"{DAY}T05:00:00Z", end=f"{DAY}T06:00:00Z")
    for person in (ana, ben):
        person.sees(item)
    dialog = ana.opens(item)
    dialog.locator("[data-panel-open=delete]").click()
    _side_by_side(browser, "two-browsers-before", {"Ana is about to delete": ana, "Ben is looking on": ben})
    dialog.locator("[data-delete]").first.click()
    for person in (ana, ben):
        person.sees_nothing_of(item)
    _side_by_side(browser, "two-browsers-after", {"Ana has deleted it": ana, "It is gone from Ben's page, too": ben})


def _side_by_side(browser: Browser, name: str, people: dict[str, Person]) -> None:
    """Write the screenshots of several pages as one image, with a line of text above each."""
    sheet = browser.new_page(viewport={"width": 1640, "height": 800})
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (line, person) in enumerate(people.items()):
            path = Path(folder) / f"{number}.png"
            person.page.screenshot(path=path)
            figures.append(f"<figure><figcaption>{line}</figcaption><img src='{path.as_uri()}'></figure>")
        page = Path(folder) / "sheet.html"
        page.write_text(
            "<style>body{margin:12px;display:flex;gap:16px;font:600 20px sans-serif;background:#e7e5e4}"
            "figure{margin:0}figcaption{padding:8px 2px 12px}img{border-radius:8px;width:800px}</style>"
            + "".join(figures)
        )
        sheet.goto(page.as_uri())
        sheet.screenshot(path=PICTURES / f"{name}.png")
    sheet.close()


if __name__ == "__main__":
    main()
