"""Lets a request wait for changes where WebSockets are blocked: to the hub it is a short-lived socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import Gauge

from .. import conf
from ..access import Standing
from ..access.credentials import Credential
from ..errors import TooMany
from ..protocol import frames
from ..protocol.rights import Access
from ..protocol.state import State
from ..reading.grant import Grant
from . import reader
from .hub import get_hub
from .loops import event_or_instant
from .seat import Seat, Seats

polls = Gauge("calendar_live_polls", "Requests of this process that listen for changes.")

_seats: Final = Seats(at_leisure=False, full=lambda: TooMany("too_many_waiting"))


class Poll:
    """One request as the hub sees it. It collects frames until there is something new to answer with."""

    def __init__(self, credential: Credential | None, seat: Seat, grant: Grant) -> None:
        self.receiver = seat.receiver
        self.known = grant.versions()
        self.frames: list[str] = []
        self._hub = get_hub()
        self._credential = credential
        self._seat = seat
        self._grant = grant
        self._bytes = 0
        self._asked = 0
        self._no_news: set[str] = set()  # `subscribed` frames that repeat the client's own state
        self._has_news = False
        self._woken = asyncio.Event()

    def push(self, text: str) -> None:
        self.frames.append(text)
        self._bytes += len(text)
        if text not in self._no_news:
            self._has_news = True
            self._woken.set()

    def recheck(self, *, at_leisure: bool = False) -> None:
        self._seat.ask(at_leisure=at_leisure)
        self._woken.set()

    async def tell(self, known: Mapping[str, str]) -> None:
        """Push each calendar that differs from the `known` of an earlier poll; withdraw those that are not granted."""
        self.known = await self._hub.tell_rights(self, self._grant, known)

    async def ask(self, frame: frames.Subscribe) -> None:
        """Subscribe. A frame stays unanswered if the answer is long already: the client asks again in its next turn."""
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
        await self._hub.subscribe(self, frame, self.standing(frame.calendar))

    def standing(self, calendar: str) -> Standing | None:
        """Return the receiver's standing in a calendar, with its head; None when they may not see it."""
        view = self._grant.calendars.get(calendar)
        if view is None:
            return None
        return Standing(calendar, view["role"], Access.parse(view["access"]), State.parse(view["state"]))

    async def news(self, seconds: float) -> None:
        """Wait until there is something new, or for so many seconds. Raises SignedOut when the session ends meanwhile.

        The end of a link is answered with its frame; the next request by it is refused.
        """
        self._hub.see_off(self)
        deadline = time.monotonic() + min(seconds, conf.app.MAX_WAIT_SECONDS)
        while not self._has_news and time.monotonic() < deadline:
            await event_or_instant(self._woken, min(deadline, self._seat.wakes_at))
            check = self._seat.wake(time.monotonic())
            if check is not None:
                read = await reader.grant_of(self._credential, at_leisure=check.at_leisure)
                self._grant = self._seat.renew(read)
                await self.tell(self.known)


@asynccontextmanager
async def listening(credential: Credential | None, user: str | None = None) -> AsyncIterator[Poll]:
    """Let a request listen. `user`: the user that its page names as its own, if any. Raises SignedOut and TooMany."""
    seat, grant = _seats.admit(
        await reader.grant_of(credential),
        user=user,
        most={"user": conf.app.MAX_POLLS_PER_USER, "link": conf.app.MAX_POLLS_PER_LINK},
    )
    hub, poll = get_hub(), Poll(credential, seat, grant)
    polls.inc()
    try:
        await hub.enter(poll)
        yield poll
    finally:  # also when the client has gone and the request is cancelled
        polls.dec()
        _seats.leave(seat.receiver)
        await hub.leave(poll)
