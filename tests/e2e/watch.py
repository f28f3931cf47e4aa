"""Collects what pages complain about: uncaught exceptions and errors on the console, where Chromium reports breaches of the CSP too."""

from __future__ import annotations

import re

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page


class Watch:
    """Complaints of all pages of a test. Whatever is not allowed by name fails the test."""

    def __init__(self) -> None:
        self._complaints: list[str] = []
        self._allowed: list[re.Pattern[str]] = []

    def attach(self, context: BrowserContext, who: str) -> None:
        """Listen to every page of a browser context, those opened later too."""

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self._complaints.append(f"{who}: {message.text} ({message.location.get('url', '')})")

        def on_page(page: Page) -> None:
            page.on("console", on_console)
            page.on("pageerror", lambda error: self._note_exception(who, error))

        context.on("page", on_page)

    def _note_exception(self, who: str, error: Error) -> None:
        self._complaints.append(f"{who}: uncaught {error.stack or error.message}")

    def allow(self, pattern: str) -> None:
        """Expect complaints that match a regular expression, as a refused request's `status of 412`."""
        self._allowed.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """Return what no one expected."""
        return [text for text in self._complaints if not any(allowed.search(text) for allowed in self._allowed)]
