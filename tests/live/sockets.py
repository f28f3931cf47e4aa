"""Provides a browser's WebSocket as the consumer sees it: with a session cookie, an origin, and frames in and out."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from calendar_live.routing import websocket_urlpatterns

HOST: Final = "testserver:8000"
ORIGIN: Final = f"http://{HOST}"
PATIENCE: Final = 10


def sign_in(user: User) -> str:
    """Sign a user in. Return the session's key."""
    client = Client()
    client.force_login(user)
    key = client.session.session_key
    assert key is not None
    return str(key)


class Socket(WebsocketCommunicator):  # type: ignore[misc]  # channels ships no types
    """One WebSocket. Unlike Channels' own communicator, it does not keep database connections open."""

    def __init__(
        self,
        session: str | None,
        *,
        origin: str | None = ORIGIN,
        host: str | None = HOST,
        path: str = "/ws/",
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        given = [
            (b"origin", None if origin is None else origin.encode()),
            (b"host", None if host is None else host.encode()),
            (b"cookie", None if session is None else f"sessionid={session}".encode()),
        ]
        super().__init__(
            URLRouter(websocket_urlpatterns),
            path,
            headers=[(name, value) for name, value in given if value is not None] + list(headers),
        )
        self.frames: list[dict[str, Any]] = []

    async def send_input(self, message: dict[str, Any]) -> None:
        await ApplicationCommunicator.send_input(self, message)  # type: ignore[no-untyped-call]

    async def receive_output(self, timeout: float = PATIENCE) -> dict[str, Any]:  # noqa: ASYNC109 - channels' signature
        message: dict[str, Any] = await ApplicationCommunicator.receive_output(  # type: ignore[no-untyped-call]
            self, timeout
        )
        return message

    async def open(self) -> None:
        """Connect. The server accepts every socket before it may close it with a code."""
        accepted, _ = await self.connect(PATIENCE)
        assert accepted

    async def say(self, frame: dict[str, Any] | str) -> None:
        """Send a frame, or any text."""
        await self.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))

    async def hear(self) -> dict[str, Any]:
        """Return the next frame. Fails if the socket is closed instead."""
        frame: dict[str, Any] = await self.receive_json_from(PATIENCE)
        self.frames.append(frame)
        return frame

    async def hear_of(self, kind: str) -> dict[str, Any]:
        """Return the next frame of a type, and skip all others."""
        while True:
            frame = await self.hear()
            if frame["type"] == kind:
                return frame

    async def closed(self) -> int:
        """Return the code with which the server closes the socket. Frames before the close are kept."""
        while True:
            message = await self.receive_output()
            if message["type"] == "websocket.close":
                return int(message["code"])
            self.frames.append(json.loads(message["text"]))

    async def subscribe(
        self, calendar: object, *, number: int = 1, state: str | None = None, access: str | None = None
    ) -> None:
        """Subscribe to a calendar."""
        await self.say({"type": "subscribe", "id": number, "calendar": str(calendar), "state": state, "access": access})

    async def watch(self, calendar: object) -> None:
        """Subscribe to a calendar, and wait until it is live."""
        await self.subscribe(calendar)
        await self.hear_of("subscribed")


Open = Callable[..., Awaitable[Socket]]
