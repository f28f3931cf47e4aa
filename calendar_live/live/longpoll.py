"""Waiting over HTTP, for whom WebSockets are blocked: a request is a short-lived socket of the hub. Never holds a thread while it waits."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from prometheus_client import Gauge

from .. import conf
from ..access.credentials import Credential
from ..access.receivers import Receiver
from ..errors import SignedOut, TooMany
from ..protocol import frames
from . import reader
from .hub import Hub, get_hub

polls = Gauge("calendar_live_polls", "Requests of this process that listen for changes.")

# Of each receiver, by its key.
_open: Final[Counter[str]] = Counter()


class Poll:
    """One request, as the hub sees it: it keeps what is pushed until there is something worth an answer."""

    def __init__(self, hub: Hub, shown: Credential, granted: reader.Granted) -> None:
        self.receiver = granted.receiver
        self.granted = granted
        self.known = granted.versions()
        self.frames: list[str] = []
        self._hub = hub
        self._shown = shown
        self._bytes = 0
        self._asked = 0
        self._no_news: set[str] = set()  # `subscribed` frames that say what was known
        self._has_news = False
        self._asked_to_recheck = False
        self._hurries = False  # with the next look
        self._woken = asyncio.Event()

    def push(self, text: str) -> None:
        self.frames.append(text)
        self._bytes += len(text)
        if text not in self._no_news:
            self._has_news = True
            self._woken.set()

    def recheck(self, *, at_leisure: bool = False) -> None:
        self._hurries |= not at_leisure
        self._asked_to_recheck = True
        self._woken.set()

    async def tell(self, known: Mapping[str, str]) -> None:
        """Tell each calendar that is not as the client knows it, by the `known` of an earlier poll, and those no longer its own."""
        self.known = await self._hub.tell_rights(self, self.granted, known)

    async def ask(self, frame: frames.Subscribe) -> None:
        """Subscribe. Left unanswered when the answer is long already: the client asks again from where it then stands."""
        if self._bytes > conf.app.MAX_BACKLOG_BYTES:
            return
        self._asked += 1
        if self._asked > conf.app.MAX_SUBSCRIPTIONS_PER_SOCKET:  # also of one calendar, again and again
            self._hub.refuse(self, frame)
            return
        if frame.state is not None and frame.access is not None:
            self._no_news.add(
                frames.subscribed(id=frame.id, calendar=frame.calendar, state=frame.state, access=frame.access)
            )
        await self._hub.subscribe(self, frame, self.granted.place(frame.calendar))

    async def news(self, seconds: float) -> None:
        """Wait until there is something to tell, or for so many seconds. Raises SignedOut when the session ends meanwhile.

        A link that ends is told of; the next question is refused.
        """
        self._hub.see_off(self)
        deadline = time.monotonic() + min(seconds, conf.app.MAX_WAIT_SECONDS)
        while not self._has_news and time.monotonic() < deadline:
            await self._wait_until(min(deadline, time.monotonic() + self.granted.seconds_left()))
            if self._asked_to_recheck or self.granted.seconds_left() <= 0:
                await self._look_again()

    async def _wait_until(self, deadline: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()

    async def _look_again(self) -> None:
        look = reader.granted if self._hurries or not self._asked_to_recheck else reader.granted_at_leisure
        self._asked_to_recheck = self._hurries = False
        granted = await look(self._shown)
        if granted is None or granted.receiver != self.receiver:
            raise SignedOut
        self.granted = granted
        await self.tell(self.known)


@asynccontextmanager
async def listening(shown: Credential | None, user: str | None = None) -> AsyncIterator[Poll]:
    """Let a request listen. Raises SignedOut, also when this is not `user`, and TooMany when its receiver has as many as it may."""
    granted = await reader.granted(shown)
    if granted is None or granted.is_over or shown is None or not granted.receiver.is_user(user):
        raise SignedOut
    with _counted(granted.receiver):
        hub = get_hub()
        poll = Poll(hub, shown, granted)
        try:
            await hub.enter(poll)
            poll.recheck()  # what was taken away after it was read, and before the hub knew of this request, was told to nobody
            yield poll
        finally:  # also when the client has gone, and the request was cancelled
            await hub.leave(poll)


@contextmanager
def _counted(receiver: Receiver) -> Iterator[None]:
    key = str(receiver)
    if _open[key] >= (conf.app.MAX_POLLS_PER_USER if receiver.kind == "user" else conf.app.MAX_POLLS_PER_LINK):
        raise TooMany("too_many_waiting")
    _open[key] += 1
    polls.inc()
    try:
        yield
    finally:
        polls.dec()
        _open[key] -= 1
        if not _open[key]:
            del _open[key]
