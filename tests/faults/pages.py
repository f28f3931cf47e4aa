"""Runs pages of a cluster by WebSocket or by requests. A page fails if its frames do not chain or mix two histories."""

from __future__ import annotations

import json
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from testbed.waiting import wait_until
from tests.faults.people import Program, revision_of

WAIT_SECONDS: Final = 25
RECONNECT_SECONDS: Final = 0.2
# Ten times the goal of 1.5 s (docs/protocol.md, invariant 5).
BOUND_SECONDS: Final = 15


class View:
    """A page's picture of one calendar, by the client's rules.

    It subscribes, fetches one feed, and applies changes that chain. After a reset, it starts anew.
    """

    def __init__(self, program: Program, calendar: str) -> None:
        self.calendar = calendar
        self.cursor: str | None = None
        self.access: str | None = None
        self.items: dict[str, dict[str, Any]] = {}
        self.live = False
        self.resets: list[str] = []
        self.revisions: list[int] = []  # pushed, in order
        self.heard_at: dict[str, float] = {}  # by item: when the page heard of the last change to it
        self.lock = threading.Lock()
        self._program = program
        self._number = 0
        self._feed_state = ""
        self._chunks: list[dict[str, Any]] = []

    def ask(self) -> dict[str, Any]:
        """Return the `subscribe` frame with this view's state and access."""
        self._number += 1
        self._chunks = []
        access = None if self.cursor is None else self.access
        return {
            "type": "subscribe",
            "id": self._number,
            "calendar": self.calendar,
            "state": self.cursor,
            "access": access,
        }

    def take(self, frame: dict[str, Any]) -> bool:
        """Take a frame. Return True if the page must subscribe again. Raises AssertionError for a wrong frame."""
        with self.lock:
            if frame["type"] == "error":
                raise AssertionError(frame)
            if frame.get("calendar") != self.calendar:
                return False
            if frame["type"] == "changes":
                self._changes(frame)
            elif frame["type"] == "subscribed":
                self._subscribed(frame)
            elif frame["type"] == "reset":
                self.resets.append(frame["reason"])
                self.cursor, self.live = None, False
                return True
            return False

    def _subscribed(self, frame: dict[str, Any]) -> None:
        assert frame["id"] == self._number, "an answer to another subscribe"
        self.access = frame["access"]
        if self.cursor is None:
            self.cursor = frame["state"]
            self._fetch()
        assert self.cursor == frame["state"], "the replay ends where `subscribed` says"
        self.live = True

    def _changes(self, frame: dict[str, Any]) -> None:
        assert frame["oldState"] == self.cursor, f"{frame['oldState']} does not chain onto {self.cursor}"
        self._chunks.append(frame)
        if frame["more"]:
            return
        chunks, self._chunks = self._chunks, []
        assert len({chunk["newState"] for chunk in chunks}) == 1, "chunks of two change sets"
        self.cursor = frame["newState"]
        revision = revision_of(self.cursor)
        self.revisions.append(revision)
        known = revision_of(self._feed_state)
        if revision == known and self.cursor != self._feed_state:
            self._fetch()  # the feed belongs to another history than the chain
        for chunk in chunks if revision > known else []:
            self._apply(chunk)

    def _apply(self, chunk: dict[str, Any]) -> None:
        now = time.monotonic()
        for item in chunk["upserted"]:
            self.items[item["id"]] = item
            self.heard_at[item["id"]] = now
        for item in chunk["destroyed"]:
            self.items.pop(item, None)
            self.heard_at[item] = now

    def _fetch(self) -> None:
        assert self.cursor is not None
        answer = self._program.feed(self.calendar, min_revision=revision_of(self.cursor)).raise_for_status()
        self._feed_state = answer.headers["Calendar-State"]
        self.items = {one["id"]: one for one in answer.json()}
        now = time.monotonic()
        self.heard_at |= dict.fromkeys(self.items, now)

    def shows(self, state: str, items: dict[str, dict[str, Any]]) -> bool:
        """Return whether the view is live and shows these items at this state."""
        with self.lock:
            return self.live and self.cursor == state and self.items == items


class Page(threading.Thread):
    """A page on a thread of its own, which connects again when it loses its connection. See `opened`."""

    def __init__(self, program: Program, calendar: str) -> None:
        super().__init__(daemon=True)
        # The page has its own program, because two threads must not share a client.
        self.program = Program(program.url, program.session)
        self.view = View(self.program, calendar)
        self.fault: BaseException | None = None
        self.losses = 0
        self._ended = threading.Event()

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                try:
                    self._listen()
                except (OSError, WebSocketException, httpx.HTTPError):
                    self.losses += 1
                    self.view.live = False
                    self._ended.wait(RECONNECT_SECONDS)
        except BaseException as fault:
            self.fault = fault

    @abstractmethod
    def _listen(self) -> None:
        """Take frames until the page is ended. Raises if the connection is lost."""

    def check(self) -> None:
        """Raise AssertionError if the page has failed."""
        if self.fault is not None:
            raise AssertionError(f"a page of {self.program.url} failed: {self.fault!r}") from self.fault

    def end(self) -> None:
        """Ask the page to end soon."""
        self._ended.set()


class SocketPage(Page):
    """A page on a WebSocket."""

    def _listen(self) -> None:
        url = self.program.url
        with connect(
            url.replace("http", "ws", 1) + "/ws/",
            origin=Origin(url),
            additional_headers={"Cookie": f"sessionid={self.program.session}"},
            proxy=None,
            ping_interval=None,
            close_timeout=1,
        ) as socket:
            socket.send(json.dumps(self.view.ask()))
            while not self._ended.is_set():
                self._hear(socket)

    def _hear(self, socket: ClientConnection) -> None:
        try:
            frame = json.loads(socket.recv(0.2))
        except TimeoutError:
            return
        if frame["type"] == "head":
            socket.send(json.dumps({"type": "ack", "states": frame["states"]}))
        elif self.view.take(frame):
            socket.send(json.dumps(self.view.ask()))


class RequestPage(Page):
    """A page that hears by requests, because no WebSocket reaches it."""

    known: dict[str, str] | None = None

    def _listen(self) -> None:
        while not self._ended.is_set():
            wait = 0 if self.view.cursor is None else WAIT_SECONDS
            body = {"frames": [self.view.ask()], "known": self.known, "wait": wait}
            answer = self.program.client.post("/api/frames/", json=body).raise_for_status().json()
            self.known = answer["known"]
            for frame in answer["frames"]:
                self.view.take(frame)


def await_right(pages: Sequence[Page], program: Program, *, what: str, timeout_seconds: float = BOUND_SECONDS) -> float:
    """Wait until every page shows what a fresh feed contains. Return the seconds it took. Raises if a page failed."""
    started = time.monotonic()

    def all_right() -> bool:
        for page in pages:
            page.check()
        pictures = {calendar: program.picture(calendar) for calendar in {page.view.calendar for page in pages}}
        return all(page.view.shows(*pictures[page.view.calendar]) for page in pages)

    wait_until(all_right, what=f"every page to be right {what}", timeout_seconds=timeout_seconds, interval_seconds=0.05)
    return time.monotonic() - started


@contextmanager
def opened(pages: Sequence[Page]) -> Iterator[Sequence[Page]]:
    """Run pages for as long as the context lasts. Raises AssertionError if one of them has failed."""
    for page in pages:
        page.start()
    try:
        yield pages
    finally:
        for page in pages:
            page.end()
        _answer_who_waits(pages)
        for page in pages:
            page.join(BOUND_SECONDS)
            page.program.client.close()
    for page in pages:
        page.check()


def _answer_who_waits(pages: Sequence[Page]) -> None:
    """Write something to each calendar, which answers every request that waits."""
    for calendar in {page.view.calendar for page in pages}:
        with Program(pages[-1].program.url, pages[-1].program.session) as program, suppress(httpx.HTTPError):
            program.put(calendar, "the end")


def of_each_kind(programs: Sequence[Program], calendar: str) -> list[Page]:
    """Return a page by WebSocket and one by requests for each program's address."""
    return [kind(one, calendar) for one in programs for kind in (SocketPage, RequestPage)]
