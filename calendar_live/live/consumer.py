"""One WebSocket: who it is, what it may ask, how long it lives. Never touches the database itself and never sees a change set."""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import Counter
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from asgiref.typing import WebSocketScope
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import parse_cookie
from prometheus_client import Gauge

from .. import conf, wording
from ..access import Standing
from ..access.credentials import Credential, LinkToken, SessionKey
from ..access.receivers import Receiver
from ..errors import CalendarLiveError, Malformed, TooLarge, TooMany
from ..protocol import frames
from . import reader
from .complaints import complain
from .hub import Hub, get_hub
from .outbox import Outbox

logger = logging.getLogger(__name__)

sockets = Gauge("calendar_live_sockets", "Open WebSockets of this process.")

GOING_AWAY: Final = 4001
SIGNED_OUT: Final = 4401
FORBIDDEN: Final = 4403
MALFORMED: Final = 4400
TOO_MANY: Final = 4429
SILENT: Final = 4012

# Of each receiver, by its key.
_open: Counter[str] = Counter()
_RETRY_SECONDS: Final = 1.0
_TOGETHER: Final = 100  # subscribes that are looked up in one query


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """The socket of one page, for all its calendars. Accepts first, then closes with a code that JavaScript can read."""

    channel_layer_alias = "calendar_live has one channel per process: see listener.py"

    scope: WebSocketScope

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.receiver = Receiver("user", "")
        self._hub: Hub | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wanted: dict[str, frames.Subscribe | frames.Unsubscribe] = {}  # by calendar, in their order
        self._is_wanted = asyncio.Event()
        self._known: dict[str, str] = {}  # what was told of each calendar, as its version: the telling itself is long
        self._looks = 0  # at what is granted, so far
        self._accesses: dict[str, str] = {}  # by the last of them
        self._asked_to_recheck = asyncio.Event()
        self._hurries = False  # with the next look
        self._bad_frames = 0
        self._heard_at = time.monotonic()
        self._ends_at = math.inf  # when what is granted ends by itself, by the monotonic clock
        self._outbox = Outbox(send, max_bytes=conf.app.MAX_BACKLOG_BYTES)
        try:
            await super().__call__(scope, receive, send)
        finally:  # a cancelled consumer runs no `disconnect`
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one event of the socket. Channels' own dispatch costs a thread hop each, for connections we do not use here."""
        await getattr(self, get_handler_name(message))(message)

    # --- life ----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        await self.accept()
        headers = dict(self.scope["headers"])
        if not _origin_allowed(headers, self.scope.get("scheme") or "ws"):
            self._outbox.close(FORBIDDEN)
            return
        query = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        shown = _shown(headers, query)
        try:
            granted = await reader.granted(shown)
        except Exception as failure:  # the edge: the database may be away; the client tries again
            complain(logger, "A socket could not be let in", failure)
            self._outbox.close(GOING_AWAY)
            return
        if granted is None or granted.is_over or not granted.receiver.is_user(query.get("user")):
            self._outbox.close(SIGNED_OUT)
        elif _open[str(granted.receiver)] >= (
            conf.app.MAX_SOCKETS_PER_USER if granted.receiver.kind == "user" else conf.app.MAX_SOCKETS_PER_LINK
        ):
            self._outbox.close(TOO_MANY)
        else:
            await self._enter(granted, shown)

    async def _enter(self, granted: reader.Granted, shown: Credential | None) -> None:
        self.receiver = granted.receiver
        _open[str(granted.receiver)] += 1
        sockets.inc()
        self._hub = get_hub()
        await self._hub.enter(self)
        heartbeat = conf.app.HEARTBEAT_SECONDS
        self.push(frames.hello(heartbeat_seconds=heartbeat))
        await self._tell(self._hub, granted)  # the page may be older than this socket
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._serve(self._hub)),
            loop.create_task(self._beat(self._hub, shown, heartbeat)),
        ]
        self._hub.see_off(self)
        # What was taken away after it was read, and before the hub knew of this socket, was told to nobody. Others came with it.
        self.recheck(at_leisure=True)

    async def _leave(self) -> None:
        self._outbox.abandon()
        for task in self._tasks:
            task.cancel()
        if self._hub is None:
            return
        hub, self._hub = self._hub, None
        sockets.dec()
        _open[str(self.receiver)] -= 1
        if not _open[str(self.receiver)]:
            del _open[str(self.receiver)]
        await hub.leave(self)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def push(self, text: str) -> None:
        self._outbox.push(text)

    def recheck(self, *, at_leisure: bool = False) -> None:
        self._hurries |= not at_leisure
        self._asked_to_recheck.set()

    # --- frames --------------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._hub is None or self._outbox.closed:
            return
        self._heard_at = time.monotonic()
        try:
            if text_data is None:
                raise Malformed("frame_not_text")
            if len(text_data.encode()) > conf.app.MAX_FRAME_BYTES:
                raise TooLarge("frame_too_large", limit=conf.app.MAX_FRAME_BYTES)
            self._take(frames.parse(text_data))
        except CalendarLiveError as failure:
            self._complain(failure)

    def _take(self, frame: frames.ClientFrame) -> None:
        match frame:
            case frames.Ping():
                self.push(frames.pong())
            case frames.Subscribe() | frames.Unsubscribe():
                self._want(frame)
            case frames.Ack():
                pass  # being heard of was its point

    def _want(self, frame: frames.Subscribe | frames.Unsubscribe) -> None:
        """Take note of a frame, in place of what waits for the same calendar: who asks again no longer waits for that answer."""
        most = conf.app.MAX_SUBSCRIPTIONS_PER_SOCKET
        if self._wanted.pop(frame.calendar, None) is not None or len(self._wanted) < most:
            self._wanted[frame.calendar] = frame
            self._is_wanted.set()
            return
        refusal = TooMany("too_many_subscribes", limit=most)
        if isinstance(frame, frames.Unsubscribe):
            raise refusal
        self.push(
            frames.error(refusal.code, wording.detail(refusal), id=frame.id)
        )  # no bad frame: a page asks for all its calendars at once

    def _complain(self, failure: CalendarLiveError) -> None:
        self._bad_frames += 1
        self.push(frames.error(failure.code, wording.detail(failure)))
        if self._bad_frames >= conf.app.MAX_BAD_FRAMES:
            self._outbox.close(MALFORMED)

    async def _serve(self, hub: Hub) -> None:
        """Answer subscribes in order, without keeping pings waiting."""
        while True:
            await self._is_wanted.wait()
            asked = [self._wanted.pop(calendar) for calendar in list(self._wanted)[:_TOGETHER]]
            if not self._wanted:
                self._is_wanted.clear()
            try:
                await self._answer(hub, asked)
            except Exception as failure:  # the edge: the database may be away; the client asks again when it reconnects
                complain(logger, "A subscribe could not be answered", failure)
                self._outbox.close(GOING_AWAY)

    async def _answer(self, hub: Hub, asked: list[frames.Subscribe | frames.Unsubscribe]) -> None:
        """Answer one by one what was asked together, by one query for all; by another once the rights have been looked at meanwhile."""
        looks, places = self._looks, await self._places(asked)
        for frame in asked:
            await self._outbox.room()
            if looks != self._looks:
                looks, places = self._looks, await self._places(asked)
            if isinstance(frame, frames.Unsubscribe):
                await hub.unsubscribe(self, frame.calendar)
            else:
                await hub.subscribe(self, frame, places.get(frame.calendar))
            if looks != self._looks:  # what was not subscribed yet, that look did not end
                await hub.apply_rights(self, self._accesses)

    async def _places(self, asked: list[frames.Subscribe | frames.Unsubscribe]) -> dict[str, Standing]:
        calendars = [frame.calendar for frame in asked if isinstance(frame, frames.Subscribe)]
        return await reader.standings(self.receiver, calendars) if calendars else {}

    async def _beat(self, hub: Hub, shown: Credential | None, heartbeat: int) -> None:
        """Tell the heads and look at the rights every heartbeat, and at the rights when told or when they end; end a silent socket."""
        silence = conf.app.SILENCE_SECONDS
        beat_at = time.monotonic() + heartbeat * _jitter()  # sockets that came together do not beat together
        while True:
            asked = await self._asked_before(min(beat_at, self._heard_at + silence, self._ends_at))
            is_over = time.monotonic() >= self._ends_at
            if time.monotonic() - self._heard_at >= silence:
                self._outbox.close(SILENT)
                return
            try:
                look = reader.granted if self._hurries or is_over else reader.granted_at_leisure
                self._hurries = False
                # Without a name, which would keep everybody's names in memory until the next look, once for each socket.
                if not await self._apply(hub, await look(shown)):
                    return
            except Exception as failure:  # the database may be away: what was granted stands until it answers
                complain(logger, "The rights of a socket could not be looked at", failure)
                self._ends_at = max(self._ends_at, time.monotonic() + _RETRY_SECONDS)
                if asked:  # by word that is told once
                    asyncio.get_running_loop().call_later(_RETRY_SECONDS, partial(self.recheck, at_leisure=True))
            if not (asked or is_over):
                self.push(frames.head(hub.heads_of(self)))
                beat_at = time.monotonic() + heartbeat

    async def _asked_before(self, deadline: float) -> bool:
        """Wait until a look at the rights is asked for (True), or an instant of the monotonic clock (False)."""
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._asked_to_recheck.wait()
        except TimeoutError:
            return False
        self._asked_to_recheck.clear()
        return True

    async def _apply(self, hub: Hub, granted: reader.Granted | None) -> bool:
        """Apply what is granted now (invariant 7). Return False when that is nothing any more."""
        if granted is not None and granted.receiver == self.receiver:
            await self._tell(hub, granted)
            if not granted.is_over:
                return True
        self._outbox.close(SIGNED_OUT)
        return False

    async def _tell(self, hub: Hub, granted: reader.Granted) -> None:
        self._looks += 1
        self._accesses = granted.accesses()
        self._known = await hub.tell_rights(self, granted, self._known)
        self._ends_at = time.monotonic() + granted.seconds_left()


def _shown(headers: dict[bytes, bytes], query: dict[str, str]) -> Credential | None:
    """Return what a socket shows to be let in. With a link's token, a cookie that came along counts for nothing."""
    if "link" in query:
        return LinkToken(query["link"])
    session = parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(conf.session_cookie())
    return None if session is None else SessionKey(session)


def _origin_allowed(headers: dict[bytes, bytes], scheme: str) -> bool:
    """Whether the page that opens this socket may: without an exact origin, any site could read its visitors' calendars."""
    origin, host = headers.get(b"origin", b"").decode("latin-1"), headers.get(b"host", b"").decode("latin-1")
    forwarded = conf.forwarded_header()
    secure = scheme == "wss" or (forwarded is not None and headers.get(forwarded[0]) == forwarded[1])
    return conf.origin_allowed(origin, host=host, secure=secure)


def _jitter() -> float:
    return random.uniform(0.5, 1)  # noqa: S311 - spreads load, hides nothing


class UnknownPath(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """Refuses WebSockets at any other path; without it each would be a traceback in the log."""

    async def connect(self) -> None:
        await self.close()
