"""Stands for a person at the calendar page: what they see and do, and which requests their browser makes."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

from playwright.sync_api import APIResponse, Error, Locator, Page, Request, Response, Route, WebSocketRoute, expect

# A month in which the demo has nothing but holidays.
MONTH: Final = "/?view=month&date=2027-03-15"
WEEK: Final = "/?view=week&date=2027-03-17"
DAY: Final = "2027-03-17"
# The promise is that others see a deletion within a second; tests wait ten times as long.
PATIENCE_MS: Final = 10_000
expect.set_options(timeout=PATIENCE_MS)

# A page that could not reach its server for a while tries again after at most 5 s, and a reset is spread over 2 s.
# Tests wait ten times as long.
RECONNECT_MS: Final = 70_000

SOCKETS: Final = re.compile(r"/ws/(\?.*)?$")

# Notes every text that a calendar entry shows at any moment, however briefly.
WATCH_TEXTS: Final = """
(() => {
  const seen = new Set();
  const note = () => document.querySelectorAll('[data-item]').forEach((one) => seen.add(one.textContent));
  new MutationObserver(note).observe(document, { childList: true, subtree: true, characterData: true });
  window.forgetShown = () => seen.clear();
  window.everShown = (text) => { note(); return [...seen].some((one) => one.includes(text)); };
})();
"""


@dataclass
class Cable:
    """The connection by which a page hears from the server, which can be cut and mended.

    It carries WebSockets and the requests that take their place.
    """

    whole: bool = True
    received: list[str] = field(default_factory=list)  # what came through it, and all other answers
    _open: list[WebSocketRoute] = field(default_factory=list)

    def plug_into(self, page: Page) -> None:
        """From now on, route the page's sockets and the requests in their place through this cable."""
        page.route_web_socket(SOCKETS, self._connect)
        page.route("**/api/frames/", self._ask)
        page.on("response", self._note)

    def _note(self, answer: Response) -> None:
        with suppress(Error):  # redirects and requests that the page gave up have no body
            self.received.append(f"{answer.headers} {answer.text()}" if "/static/" not in answer.url else "")

    def _ask(self, route: Route) -> None:
        if self.whole:
            route.continue_()
        else:
            route.fulfill(body="The page of some proxy.")  # the console reports no error for it

    def _connect(self, socket: WebSocketRoute) -> None:
        if not self.whole:
            socket.close()
            return
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            self.received.append(str(message))
            socket.send(message)

        server.on_message(pass_on)
        self._open.append(socket)

    def cut(self) -> None:
        self.whole = False
        for socket in self._open:
            socket.close(code=3001)
        self._open.clear()

    def mend(self) -> None:
        self.whole = True


def refuse_websockets(page: Page) -> None:
    """Put the page in a network that lets no WebSocket through."""
    page.route_web_socket(SOCKETS, lambda socket: socket.close())


@dataclass
class Gate:
    """Holds the answers to feed requests: the server has sent them, but the page has not received them."""

    closed: bool = True
    held: list[tuple[Route, APIResponse]] = field(default_factory=list)

    def stand_before(self, page: Page) -> None:
        page.route("**/feed/?*", self._pass)

    def _pass(self, route: Route) -> None:
        answer = route.fetch()
        if self.closed:
            self.held.append((route, answer))
        else:
            route.fulfill(response=answer)

    def open(self) -> None:
        """Let through the answers that are held, and every later one."""
        self.closed = False
        for route, answer in self.held:
            route.fulfill(response=answer)
        self.held.clear()


class Person:
    """One signed-in user in a browser of their own."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.feeds: list[Request] = []
        page.on("request", lambda request: self.feeds.append(request) if "/feed/" in request.url else None)

    # --- seeing --------------------------------------------------------------------------------------------------

    def goto(self, path: str = MONTH) -> Person:
        """Open the calendar and wait until it is live and painted."""
        self.page.goto(path)
        return self.wait_until_live()

    def wait_until_live(self, *, timeout_ms: float = PATIENCE_MS) -> Person:
        expect(self.page.locator("#connection")).to_have_attribute("data-look", "live", timeout=timeout_ms)
        expect(self.page.locator("#calendar")).to_have_attribute("aria-busy", "false", timeout=PATIENCE_MS)
        return self

    def entry(self, item: str) -> Locator:
        """Return the item's entries in the calendar (one for each row or day it spans)."""
        return self.page.locator(f'#calendar [data-item="{item}"]')

    def sees(self, item: str, text: str | None = None) -> None:
        """Wait until the item is shown, with this text if one is given."""
        expect(self.entry(item).first).to_be_visible(timeout=PATIENCE_MS)
        if text is not None:
            expect(self.entry(item).first).to_contain_text(text, timeout=PATIENCE_MS)

    def sees_on(self, date: str, item: str) -> None:
        """Wait until the item is within the column of a day of the month."""
        self.page.wait_for_function(
            """([item, date]) => {
                const [entry, day] = [`[data-item="${item}"]`, `[data-date="${date}"]`]
                    .map((one) => document.querySelector(`#calendar ${one}`)?.getBoundingClientRect());
                return entry && day && entry.left >= day.left - 1 && entry.right <= day.right + 1;
            }""",
            arg=[item, date],
            timeout=PATIENCE_MS,
        )

    def sees_nothing_of(self, item: str) -> None:
        """Wait until the item is not shown."""
        expect(self.entry(item)).to_have_count(0, timeout=PATIENCE_MS)

    def ever_saw(self, text: str) -> bool:
        """Return whether any entry has ever shown a text. Requires `watch_texts` before the page is opened."""
        return bool(self.page.evaluate("text => window.everShown(text)", text))

    def watch_texts(self) -> Person:
        self.page.add_init_script(WATCH_TEXTS)
        return self

    def shown(self) -> set[str]:
        """Return the ids of all items shown."""
        return set(self.page.locator("#calendar [data-item]").evaluate_all("all => all.map(one => one.dataset.item)"))

    def day(self, date: str = DAY) -> Locator:
        return self.page.locator(f'#calendar [data-date="{date}"]').first

    def toast(self, text: str) -> Locator:
        return self.page.locator("#toasts").get_by_text(text)

    def clipboard(self) -> str:
        """Return the text in the clipboard, by pasting it into another page."""
        elsewhere = self.page.context.new_page()
        elsewhere.set_content("<textarea></textarea>")
        elsewhere.locator("textarea").focus()
        elsewhere.keyboard.press("Control+V")
        text = elsewhere.locator("textarea").input_value()
        elsewhere.close()
        self.page.bring_to_front()
        return text

    @property
    def id(self) -> str:
        """Return the user's id, which the open page contains."""
        return str(self.page.evaluate("JSON.parse(document.getElementById('page-data').textContent).userId"))

    # --- the API, as this user -----------------------------------------------------------------------------------

    def calendar(self, name: str = "Team") -> str:
        """Return a calendar's id."""
        calendars = self.page.context.request.get(f"{self.url}/api/calendars/").json()
        return str(next(one["id"] for one in calendars if one["name"] == name))

    def call(self, method: str, path: str, **options: Any) -> APIResponse:
        """Call the API with this user's session."""
        cookies = self.page.context.cookies()
        token = next((str(one.get("value")) for one in cookies if one.get("name") == "csrftoken"), "")
        headers = {"X-CSRFToken": token, **options.pop("headers", {})}
        return self.page.context.request.fetch(f"{self.url}{path}", method=method, headers=headers, **options)

    def path_of(self, item: str, calendar: str | None = None) -> str:
        return f"/api/calendars/{calendar or self.calendar()}/items/{item}/"

    def creates(self, title: str = "Design review", **fields: Any) -> str:
        """Create an item through the API. Return its id."""
        calendar = fields.pop("calendar", None) or self.calendar()
        item = str(uuid4())
        body = {"title": title, "start": f"{DAY}T02:00:00Z", "end": f"{DAY}T03:00:00Z"} | fields
        answer = self.call("PUT", self.path_of(item, calendar), data=body, headers={"If-None-Match": "*"})
        if answer.status != 201:
            raise RuntimeError(f"{answer.status}: {answer.text()}")
        return item

    def changes(self, item: str, **fields: Any) -> None:
        """Edit an item through the API."""
        answer = self.call("PATCH", self.path_of(item), data=fields)
        if not answer.ok:
            raise RuntimeError(f"{answer.status}: {answer.text()}")

    def deletes(self, item: str) -> None:
        """Delete an item through the API."""
        answer = self.call("DELETE", self.path_of(item))
        if not answer.ok:
            raise RuntimeError(f"{answer.status}: {answer.text()}")

    # --- the page ------------------------------------------------------------------------------------------------

    @property
    def dialog(self) -> Locator:
        return self.page.locator("#item-dialog")

    def opens(self, item: str) -> Locator:
        """Click an item and wait for its dialog."""
        self.entry(item).first.click()
        expect(self.dialog.locator(".dialog__header")).to_be_visible(timeout=PATIENCE_MS)
        return self.dialog

    def deletes_in_dialog(self, item: str, button: str = "Delete") -> None:
        """Delete an item as a user does: click it, click Delete, confirm."""
        dialog = self.opens(item)
        dialog.locator("[data-panel-open=delete]").click()
        dialog.locator("[data-panel=delete]").get_by_role("button", name=button, exact=button == "Delete").click()
        expect(dialog).to_be_hidden(timeout=PATIENCE_MS)

    def lifts(self, item: str, onto: Locator) -> None:
        """Drag an item over a place without dropping it."""
        self.entry(item).first.hover()
        self.page.mouse.down()
        x, y = middle(onto)
        self.page.mouse.move(x - 3, y - 3, steps=8)
        self.page.mouse.move(x, y, steps=2)

    def drops(self) -> None:
        self.page.mouse.up()

    def drags(self, item: str, onto: Locator) -> None:
        self.lifts(item, onto)
        self.drops()


def middle(place: Locator) -> tuple[float, float]:
    """Return the coordinates of an element's middle, in pixels. Raises RuntimeError if it is not on the screen."""
    box = place.bounding_box()
    if box is None:
        raise RuntimeError("not on the screen")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
