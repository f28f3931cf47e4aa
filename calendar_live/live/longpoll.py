"""Waiting over HTTP, for whom WebSockets are blocked: a request is a short-lived socket of the hub. Never holds a thread while it waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Final

from prometheus_client import Gauge

from .. import conf
from ..access import UserKey
from ..errors import SignedOut, TooMany
from ..protocol import frames
from . import reader
from .hub import Hub, get_hub

polls = Gauge("calendar_live_polls", "Requests of this process that listen for changes.")

_open_per_user: Final[Counter[UserKey]] = Counter()


class Poll:
    """One request, as the hub sees it: it keeps what is pushed until there is something worth an answer."""

    def __init__(self, hub: Hub, session: str, granted: reader.Granted) -> None:
        self.user_id: UserKey = granted.user_id
        self.granted = granted
        self.known = granted.versions()
        self.frames: list[str] = []
        self._hub = hub
        self._session = session
        self._bytes = 0
        self._no_news: set[str] = set()  # `subscribed` frames that say what was known
        self._has_news = False
        self._asked_to_recheck = False
        self._woken = asyncio.Event()

    def push(self, text: str) -> None:
        self.frames.append(text)
        self._bytes += len(text)
        if text not in self._no_news:
            self._has_news = True
            self._woken.set()

    def recheck(self) -> None:
        self._asked_to_recheck = True
        self._woken.set()

    async def tell(self, known: Mapping[str, str]) -> None:
        """Tell each calendar that is not as the client knows it, by the `known` of an earlier poll, and those no longer its own."""
        self.known = await self._hub.tell_rights(self, self.granted, known)

    async def ask(self, frame: frames.Subscribe) -> None:
        """Subscribe. Left unanswered when the answer is long already: the client asks again from where it then stands."""
        if self._bytes > conf.number("MAX_BACKLOG_BYTES"):
            return
        if frame.state is not None and frame.access is not None:
            self._no_news.add(
                frames.subscribed(id=frame.id, calendar=frame.calendar, state=frame.state, access=frame.access)
            )
        await self._hub.subscribe_at(self, frame, self.granted.place(frame.calendar))

    async def news(self, seconds: float) -> None:
        """Wait until there is something to tell, or for so many seconds. Raises SignedOut when the session ends meanwhile."""
        self._hub.see_off(self)
        try:
            async with asyncio.timeout(min(seconds, conf.number("MAX_WAIT_SECONDS"))):
                while not self._has_news:
                    await self._woken.wait()
                    self._woken.clear()
                    if self._asked_to_recheck:
                        await self._look_again()
        except TimeoutError:
            pass

    async def _look_again(self) -> None:
        self._asked_to_recheck = False
        granted = await reader.granted(self._session)
        if granted is None or granted.user_id != self.user_id:
            raise SignedOut
        self.granted = granted
        await self.tell(self.known)


@asynccontextmanager
async def listening(session: str | None) -> AsyncIterator[Poll]:
    """Let a session's request listen. Raises SignedOut, and TooMany when its user has as many as they may."""
    granted = await reader.granted(session)
    if granted is None or session is None:
        raise SignedOut
    with _counted(granted.user_id):
        hub = get_hub()
        poll = Poll(hub, session, granted)
        try:
            await hub.enter(poll)
            yield poll
        finally:  # also when the client has gone, and the request was cancelled
            await hub.leave(poll)


@contextmanager
def _counted(user_id: UserKey) -> Iterator[None]:
    if _open_per_user[user_id] >= conf.number("MAX_POLLS_PER_USER"):
        raise TooMany("Too many requests of yours wait for changes.")
    _open_per_user[user_id] += 1
    polls.inc()
    try:
        yield
    finally:
        polls.dec()
        _open_per_user[user_id] -= 1
        if not _open_per_user[user_id]:
            del _open_per_user[user_id]
