"""Stands for a person without an account who opens a public link's page, or a foreign page that frames it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.e2e.person import PATIENCE_MS

# The month in which `Person` creates items, on a link's page.
LINK_MONTH: Final = "?view=month&date=2027-03-15"


class Stranger:
    """A person without an account at the page of a link, or at a page that frames it."""

    def __init__(self, page: Page, place: Page | FrameLocator) -> None:
        self.page = page
        self.place = place
        self.frames: list[str] = []
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: self.frames.append(str(frame))))

    def entry(self, item: str) -> Locator:
        return self.place.locator(f'#calendar [data-item="{item}"]').first

    def waits_until_live(self) -> Stranger:
        expect(self.place.locator("#connection")).to_have_attribute("data-look", "live", timeout=PATIENCE_MS)
        expect(self.place.locator("#calendar")).to_have_attribute("aria-busy", "false", timeout=PATIENCE_MS)
        return self

    def sees(self, item: str, text: str) -> None:
        expect(self.entry(item)).to_contain_text(text, timeout=PATIENCE_MS)

    def sees_nothing_of(self, item: str) -> None:
        expect(self.entry(item)).to_have_count(0, timeout=PATIENCE_MS)

    def has_lost_everything(self) -> None:
        expect(self.place.locator("#ended")).to_be_visible(timeout=PATIENCE_MS)
        expect(self.place.locator("#ended")).to_contain_text("no longer works")
        expect(self.place.locator("#calendar, [data-item], #calendar-name")).to_have_count(0)


@contextmanager
def foreign_site() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve pages from an origin of their own: another port is another origin. Yield it and the pages by their path."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body or b"nothing")

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# As in our embed code.
_SANDBOX: Final = 'sandbox="allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"'


def framing(url: str, attributes: str = _SANDBOX) -> str:
    return (
        '<!doctype html><link rel="icon" href="data:,">'
        f'<iframe {attributes} src="{url}" width="900" height="700"></iframe>'
    )
