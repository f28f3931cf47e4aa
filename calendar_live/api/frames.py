"""Exchanges frames over HTTP: the WebSocket protocol, one request at a time."""

from __future__ import annotations

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router

from .. import conf
from ..access.credentials import page_user
from ..errors import Malformed
from ..live.longpoll import listening
from ..protocol import frames
from ..serving.asgi import give_back_thread
from .auth import UNREAD, credential
from .http import json_response, may_wait
from .schemas import FramesIn

router = Router(tags=["frames"], auth=UNREAD)


@router.post("/frames/")
async def exchange_frames(request: HttpRequest, body: FramesIn) -> HttpResponse:
    """Answer `subscribe` frames with what a WebSocket would have been sent meanwhile: `{known, frames}`.

    With `wait`, the answer comes as soon as there is something new, or after so many seconds. For pages that cannot
    open a WebSocket.
    """
    asked = [_subscribe(frame) for frame in body.frames]
    await give_back_thread()
    async with listening(credential(request), page_user(request)) as poll:
        if body.known is None:
            poll.push(frames.hello(heartbeat_seconds=conf.app.HEARTBEAT_SECONDS))
        await poll.tell(body.known or {})
        for frame in asked:
            await poll.ask(frame)
        if may_wait(request):
            await poll.news(body.wait)
    return json_response(orjson.dumps({"known": poll.known, "frames": list(map(orjson.Fragment, poll.frames))}))


def _subscribe(value: object) -> frames.Subscribe:
    frame = frames.read(value)
    if not isinstance(frame, frames.Subscribe):
        raise Malformed("frame_not_subscribe")
    return frame
