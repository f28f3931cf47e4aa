"""Watches the pages of a test: their complaints, the writes under way, and what they show when the test fails.

Complaints are uncaught exceptions and errors on the console. Chromium reports violations of the CSP there, too.
"""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request

from testbed import evidence
from testbed.waiting import wait_until

READING: Final = ("GET", "HEAD", "OPTIONS")
# The parts of a page that tell most about it, in their order on the page.
TOLD: Final = {
    "connection": "#connection",
    "heading": "h1",
    "period": "#view-title",
    "entries": "#calendar [data-item]",
    "dialog": "dialog[open]",
    "toasts": "#toasts .toast",
}
SHOWN: Final = """places => Object.entries(places).flatMap(([name, place]) => {
    const texts = [...document.querySelectorAll(place)].filter((one) => one.checkVisibility())
        .map((one) => one.innerText.replace(/\\s+/g, " ").trim());
    return texts.length ? [`${name}: ${texts.join(" | ")}`] : [];
}).join("\\n")"""


class Watch:
    """Watches all pages of a test. A complaint that the test does not allow fails it."""

    def __init__(self) -> None:
        self._complaints: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self._pages: list[tuple[str, Page]] = []
        self._writes: list[Request] = []

    def attach(self, context: BrowserContext, who: str) -> None:
        """Listen to every page of a browser context, including pages that are opened later."""

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self._complaints.append(f"{who}: {message.text} ({message.location.get('url', '')})")

        def on_page(page: Page) -> None:
            self._pages.append((who, page))
            page.on("console", on_console)
            page.on("pageerror", lambda error: self._note_exception(who, error))

        def on_request(request: Request) -> None:
            # Requests for frames wait, and write nothing.
            if request.method not in READING and not request.url.endswith("/api/frames/"):
                self._writes.append(request)

        def on_end(request: Request) -> None:
            if request in self._writes:
                self._writes.remove(request)

        context.on("page", on_page)
        context.on("request", on_request)
        context.on("response", lambda answer: on_end(answer.request))
        context.on("requestfailed", on_end)

    def _note_exception(self, who: str, error: Error) -> None:
        self._complaints.append(f"{who}: uncaught {error.stack or error.message}")

    def allow(self, pattern: str) -> None:
        """Expect complaints that match a regular expression, such as `status of 412` for a refused request."""
        self._allowed.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """Return the complaints that the test does not expect."""
        return [text for text in self._complaints if not any(allowed.search(text) for allowed in self._allowed)]

    def await_writes(self) -> None:
        """Wait until every write that the pages have sent is answered, so that nothing is written after the test."""
        for one in list(self._writes):
            wait_until(lambda: not self._is_under_way(one), what=f"the answer to {one.method} {one.url}")  # noqa: B023

    def _is_under_way(self, request: Request) -> bool:
        page = request.frame.page
        if page.is_closed():
            return False
        page.evaluate("1")  # Playwright delivers events only during its own calls
        return request in self._writes

    def testify(self, test: str) -> tuple[str, str]:
        """Take a screenshot of each open page. Return a title, and what the pages show and complain of."""
        evidence.FOLDER.mkdir(parents=True, exist_ok=True)
        told = []
        for number, (who, page) in enumerate(self._pages, 1):
            if page.is_closed():
                continue
            picture = evidence.FOLDER / f"{test}-{number}-{who}.png"
            page.screenshot(path=picture)
            told.append(f"{who} at {page.url}\npicture: {picture}\n{page.evaluate(SHOWN, TOLD)}")
        return "Pages", "\n\n".join([*told, *self.complaints()])
