"""One WebSocket: who it is, what it may ask, how long it lives. Never touches the database itself and never sees a change set."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import Counter
from typing import Any, Final

from asgiref.typing import WebSocketScope
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.http import parse_cookie
from prometheus_client import Gauge

from .. import conf
from ..access import UserKey
from ..errors import CalendarLiveError, Malformed, TooLarge, TooMany
from ..protocol import frames
from . import reader
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

_open_per_user: Counter[UserKey] = Counter()


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """The socket of one page, for all its calendars. Accepts first, then closes with a code that JavaScript can read."""

    channel_layer_alias = "calendar_live has one channel per process: see hub.py"

    scope: WebSocketScope

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.user_id: UserKey = ""
        self._hub: Hub | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._wanted: asyncio.Queue[frames.Subscribe | frames.Unsubscribe] = asyncio.Queue()
        self._known: dict[str, str] = {}  # what was told of each calendar, as its version: the telling itself is long
        self._asked_to_recheck = asyncio.Event()
        self._bad_frames = 0
        self._heard_at = time.monotonic()
        self._outbox = Outbox(send, max_bytes=conf.number("MAX_BACKLOG_BYTES"))
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
        session = parse_cookie(headers.get(b"cookie", b"").decode("latin-1")).get(conf.session_cookie())
        granted = await reader.granted(session)
        if granted is None:
            self._outbox.close(SIGNED_OUT)
        elif _open_per_user[granted.user_id] >= conf.number("MAX_SOCKETS_PER_USER"):
            self._outbox.close(TOO_MANY)
        else:
            await self._enter(granted, session)

    async def _enter(self, granted: reader.Granted, session: str | None) -> None:
        self.user_id = granted.user_id
        _open_per_user[granted.user_id] += 1
        sockets.inc()
        self._hub = get_hub()
        await self._hub.enter(self)
        heartbeat = conf.number("HEARTBEAT_SECONDS")
        self.push(frames.hello(heartbeat_seconds=heartbeat))
        self._known = await self._hub.tell_rights(self, granted, {})  # the page may be older than this socket
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._serve(self._hub)),
            loop.create_task(self._beat(self._hub, session, heartbeat)),
        ]
        self._hub.see_off(self)
        self.recheck()  # what was taken away after it was read, and before the hub knew of this socket, was told to nobody

    async def _leave(self) -> None:
        self._outbox.abandon()
        for task in self._tasks:
            task.cancel()
        if self._hub is None:
            return
        hub, self._hub = self._hub, None
        sockets.dec()
        _open_per_user[self.user_id] -= 1
        if not _open_per_user[self.user_id]:
            del _open_per_user[self.user_id]
        await hub.leave(self)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        raise StopConsumer

    def push(self, text: str) -> None:
        self._outbox.push(text)

    def recheck(self) -> None:
        self._asked_to_recheck.set()

    # --- frames --------------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self._hub is None or self._outbox.closed:
            return
        self._heard_at = time.monotonic()
        try:
            if text_data is None:
                raise Malformed("Only text frames are understood.")
            if len(text_data.encode()) > conf.number("MAX_FRAME_BYTES"):
                raise TooLarge(f"A frame has at most {conf.number('MAX_FRAME_BYTES')} bytes.")
            self._take(frames.parse(text_data))
        except CalendarLiveError as failure:
            self._complain(failure)

    def _take(self, frame: frames.ClientFrame) -> None:
        match frame:
            case frames.Ping():
                self.push(frames.pong())
            case frames.Subscribe() | frames.Unsubscribe():
                if self._wanted.qsize() >= conf.number("MAX_SUBSCRIPTIONS_PER_SOCKET"):
                    raise TooMany("Too many subscriptions are waiting for their answer.")
                self._wanted.put_nowait(frame)
            case frames.Ack():
                pass  # being heard of was its point

    def _complain(self, failure: CalendarLiveError) -> None:
        self._bad_frames += 1
        self.push(frames.error(failure))
        if self._bad_frames >= conf.number("MAX_BAD_FRAMES"):
            self._outbox.close(MALFORMED)

    async def _serve(self, hub: Hub) -> None:
        """Answer subscribes one by one, in order, without keeping pings waiting."""
        while True:
            frame = await self._wanted.get()
            await self._outbox.room()
            try:
                if isinstance(frame, frames.Unsubscribe):
                    await hub.unsubscribe(self, frame.calendar)
                elif self._has_room(hub, frame):
                    await hub.subscribe(self, frame)
            except Exception:  # the edge: the database may be away; the client asks again when it reconnects
                logger.exception("A subscribe could not be answered")
                self._outbox.close(GOING_AWAY)

    def _has_room(self, hub: Hub, frame: frames.Subscribe) -> bool:
        mine = hub.calendars_of(self)
        if frame.calendar in mine or len(mine) < conf.number("MAX_SUBSCRIPTIONS_PER_SOCKET"):
            return True
        self.push(frames.error(TooMany("Too many calendars on one socket."), id=frame.id))
        return False

    async def _beat(self, hub: Hub, session: str | None, heartbeat: int) -> None:
        """Tell the heads and look at the rights every heartbeat, and at the rights when told; end a socket gone silent."""
        silence = conf.number("SILENCE_SECONDS")
        beat_at = time.monotonic() + heartbeat * _jitter()  # sockets that came together do not beat together
        while True:
            asked = await self._asked_before(min(beat_at, self._heard_at + silence))
            if time.monotonic() - self._heard_at >= silence:
                self._outbox.close(SILENT)
                return
            try:
                granted = await (reader.granted if asked else reader.granted_at_leisure)(session)
                if not await self._apply(hub, granted):
                    return
            except Exception:  # the database may be away: what was granted stands until it answers
                logger.exception("The rights of a socket could not be looked at")
            if not asked:
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
        """Apply what the session grants now (invariant 7). Return False when that is nothing any more."""
        if granted is None or granted.user_id != self.user_id:
            self._outbox.close(SIGNED_OUT)
            return False
        self._known = await hub.tell_rights(self, granted, self._known)
        return True


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
