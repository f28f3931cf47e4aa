"""Serves one WebSocket: lets it in, answers its frames, and keeps its rights and its connection checked."""

from __future__ import annotations

import asyncio
import logging
import random
import time
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
from ..errors import CalendarLiveError, Malformed, SignedOut, TooLarge, TooMany
from ..protocol import frames
from ..reading.grant import Grant
from . import reader
from .complaints import complain
from .hub import get_hub
from .loops import event_or_instant
from .outbox import Outbox
from .seat import Check, Seat, Seats

logger = logging.getLogger(__name__)

sockets = Gauge("calendar_live_sockets", "Open WebSockets of this process.")

GOING_AWAY: Final = 4001
SIGNED_OUT: Final = 4401
FORBIDDEN: Final = 4403
MALFORMED: Final = 4400
TOO_MANY: Final = 4429
SILENT: Final = 4012

_seats: Final = Seats(at_leisure=True)  # many may open at the same time
_TOGETHER: Final = 100  # subscribes whose standings are read by one query


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """The socket of one page, for all its calendars.

    It accepts before it refuses, because JavaScript reads the close code of accepted sockets only.
    """

    channel_layer_alias = "calendar_live has one channel per process: see listener.py"

    scope: WebSocketScope

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._hub = get_hub()
        self._seat: Seat | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wanted: dict[str, frames.Subscribe | frames.Unsubscribe] = {}  # by calendar, in the order of arrival
        self._is_wanted = asyncio.Event()
        self._known: dict[str, str] = {}  # the version of each calendar that was sent: the view itself is large
        self._woken = asyncio.Event()
        self._bad_frames = 0
        self._heard_at = time.monotonic()
        self._outbox = Outbox(send, max_bytes=conf.app.MAX_BACKLOG_BYTES)
        try:
            await super().__call__(scope, receive, send)
        finally:  # a cancelled consumer runs no `disconnect`
            await self._leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one event of the socket.

        Channels' own dispatch also closes database connections, in another thread. None are used here.
        """
        await getattr(self, get_handler_name(message))(message)

    # --- life ----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        await self.accept()
        headers = dict(self.scope["headers"])
        if not _origin_allowed(headers, self.scope.get("scheme") or "ws"):
            self._outbox.close(FORBIDDEN)
            return
        query = dict(parse_qsl(self.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        credential = _credential(headers, query)
        try:
            seat, grant = _seats.admit(
                await reader.grant_of(credential),
                user=query.get("user"),
                most={"user": conf.app.MAX_SOCKETS_PER_USER, "link": conf.app.MAX_SOCKETS_PER_LINK},
            )
        except SignedOut:
            self._outbox.close(SIGNED_OUT)
        except TooMany:
            self._outbox.close(TOO_MANY)
        except Exception as failure:  # the edge: the database may be away; the client tries again
            complain(logger, "A socket could not be let in", failure)
            self._outbox.close(GOING_AWAY)
        else:
            await self._enter(seat, grant, credential)

    async def _enter(self, seat: Seat, grant: Grant, credential: Credential | None) -> None:
        self._seat, self.receiver = seat, seat.receiver
        sockets.inc()
        await self._hub.enter(self)
        heartbeat = conf.app.HEARTBEAT_SECONDS
        self.push(frames.hello(heartbeat_seconds=heartbeat))
        self._known = await self._hub.tell_rights(self, grant, {})  # the page may be older than this socket
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._serve(seat)),
            loop.create_task(self._beat(seat, credential, heartbeat)),
        ]
        self._hub.see_off(self)

    async def _leave(self) -> None:
        self._outbox.abandon()
        for task in self._tasks:
            task.cancel()
        if self._seat is None:
            return
        self._seat = None
        sockets.dec()
        _seats.leave(self.receiver)
        await self._hub.leave(self)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def push(self, text: str) -> None:
        self._outbox.push(text)

    def recheck(self, *, at_leisure: bool = False) -> None:
        if self._seat is not None:
            self._seat.ask(at_leisure=at_leisure)
            self._woken.set()

    # --- frames --------------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._seat is None or self._outbox.closed:
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
                pass  # an ack only shows that the socket is alive

    def _want(self, frame: frames.Subscribe | frames.Unsubscribe) -> None:
        """Queue a frame, in place of one that waits for the same calendar and needs no answer any more."""
        most = conf.app.MAX_SUBSCRIPTIONS_PER_SOCKET
        if self._wanted.pop(frame.calendar, None) is not None or len(self._wanted) < most:
            self._wanted[frame.calendar] = frame
            self._is_wanted.set()
            return
        refusal = TooMany("too_many_subscribes", limit=most)
        if isinstance(frame, frames.Unsubscribe):
            raise refusal
        # Not a bad frame: a page asks for all its calendars at once.
        self.push(frames.error(refusal.code, wording.detail(refusal), id=frame.id))

    def _complain(self, failure: CalendarLiveError) -> None:
        self._bad_frames += 1
        self.push(frames.error(failure.code, wording.detail(failure)))
        if self._bad_frames >= conf.app.MAX_BAD_FRAMES:
            self._outbox.close(MALFORMED)

    async def _serve(self, seat: Seat) -> None:
        """Answer subscribes in order. Pings are answered meanwhile."""
        while True:
            await self._is_wanted.wait()
            asked = [self._wanted.pop(calendar) for calendar in list(self._wanted)[:_TOGETHER]]
            if not self._wanted:
                self._is_wanted.clear()
            try:
                await self._answer(seat, asked)
            except Exception as failure:  # the edge: the database may be away; the client asks again when it reconnects
                complain(logger, "A subscribe could not be answered", failure)
                self._outbox.close(GOING_AWAY)

    async def _answer(self, seat: Seat, asked: list[frames.Subscribe | frames.Unsubscribe]) -> None:
        """Answer frames one by one, from one query. After a check of the rights, another query serves the rest."""
        checks, standings = seat.checks, await self._standings(asked)
        for frame in asked:
            await self._outbox.room()
            if checks != seat.checks:
                checks, standings = seat.checks, await self._standings(asked)
            if isinstance(frame, frames.Unsubscribe):
                await self._hub.unsubscribe(self, frame.calendar)
            else:
                await self._hub.subscribe(self, frame, standings.get(frame.calendar))
            if checks != seat.checks:  # the check came before this subscription, and could not end it
                await self._hub.apply_rights(self, seat.accesses)

    async def _standings(self, asked: list[frames.Subscribe | frames.Unsubscribe]) -> dict[str, Standing]:
        calendars = [frame.calendar for frame in asked if isinstance(frame, frames.Subscribe)]
        return await reader.standings(self.receiver, calendars) if calendars else {}

    # --- rights --------------------------------------------------------------------------------------------------

    async def _beat(self, seat: Seat, credential: Credential | None, heartbeat: int) -> None:
        """Check the rights whenever the seat says so, send the heads at each heartbeat, and close a silent socket."""
        silence = conf.app.SILENCE_SECONDS
        seat.beats_at = time.monotonic() + heartbeat * _jitter()  # spreads sockets that opened together
        while True:
            await event_or_instant(self._woken, min(seat.wakes_at, self._heard_at + silence))
            now = time.monotonic()
            if now - self._heard_at >= silence:
                self._outbox.close(SILENT)
                return
            check = seat.wake(now)
            if check is None:
                continue
            try:
                await self._check(seat, check, credential)
            except SignedOut:
                self._outbox.close(SIGNED_OUT)
                return
            except Exception as failure:  # the database may be away
                complain(logger, "The rights of a socket could not be read", failure)
                seat.put_off(check, time.monotonic())
            if check.is_heartbeat:
                self.push(frames.head(self._hub.heads_of(self)))
                seat.beats_at = time.monotonic() + heartbeat

    async def _check(self, seat: Seat, check: Check, credential: Credential | None) -> None:
        """Read what the credential grants now, and apply it (invariant 7). Raises SignedOut when it grants nothing."""
        # A variable of `_beat` would keep the views, with everybody's names, in memory until the next check.
        grant = seat.renew(await reader.grant_of(credential, at_leisure=check.at_leisure))
        self._known = await self._hub.tell_rights(self, grant, self._known)
        if grant.is_over:
            raise SignedOut


def _credential(headers: dict[bytes, bytes], query: dict[str, str]) -> Credential | None:
    """Return the credential that a socket presents. If it presents a link's token, any cookie is ignored."""
    if "link" in query:
        return LinkToken(query["link"])
    session = parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(conf.session_cookie())
    return None if session is None else SessionKey(session)


def _origin_allowed(headers: dict[bytes, bytes], scheme: str) -> bool:
    """Whether the page that opens this socket may do so. Otherwise any site could read its visitors' calendars."""
    origin, host = headers.get(b"origin", b"").decode("latin-1"), headers.get(b"host", b"").decode("latin-1")
    forwarded = conf.forwarded_header()
    secure = scheme == "wss" or (forwarded is not None and headers.get(forwarded[0]) == forwarded[1])
    return conf.origin_allowed(origin, host=host, secure=secure)


def _jitter() -> float:
    return random.uniform(0.5, 1)  # noqa: S311 - spreads load, hides nothing


class UnknownPath(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """Refuses WebSockets at any other path. Otherwise each of them would put a traceback into the log."""

    async def connect(self) -> None:
        await self.close()
