"""Makes requests that wait for changes, and waits until they do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson
from django.contrib.auth.models import User
from django.test import AsyncClient
from prometheus_client import REGISTRY

from calendar_live.live.hub import get_hub
from calendar_live.models import Calendar
from testbed.waiting import until
from tests.api.calls import body_of

# Longer than any test waits for an answer, so every answer comes because something changed.
LONG: Final = 60


class Caller:
    """Makes requests of one signed-in user. Each is a task, so that several can wait at once."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    def changes(self, calendar: Calendar, since: object, wait: int | str = LONG) -> asyncio.Task[Any]:
        path = f"/api/calendars/{calendar.pk}/changes/"
        return asyncio.ensure_future(self.client.get(path, {"since": str(since), "wait": wait}))

    def frames(
        self, *asked: dict[str, Any], known: dict[str, str] | None = None, wait: float = 0, user: object = None
    ) -> asyncio.Task[Any]:
        body = {"wait": wait, "known": known, "frames": list(asked)}
        headers = {} if user is None else {"Calendar-User": str(user)}
        return asyncio.ensure_future(
            self.client.post("/api/frames/", orjson.dumps(body), content_type="application/json", headers=headers)
        )


def subscribe(
    calendar: Calendar, state: object = None, access: str | None = "full.1", number: int = 1
) -> dict[str, Any]:
    return {
        "type": "subscribe",
        "id": number,
        "calendar": str(calendar.pk),
        "state": None if state is None else str(state),
        "access": None if state is None else access,
    }


SignIn = Callable[[User], Awaitable[Caller]]


async def waiting(count: int = 1, *, polls: int | None = None) -> None:
    """Wait until `count` subscriptions wait, in as many requests, or in `polls` requests if that is given."""
    await until(
        lambda: (
            REGISTRY.get_sample_value("calendar_live_polls") == (count if polls is None else polls)
            and sum(
                member.waiting is None for served in get_hub()._served.values() for member in served.members.values()
            )
            == count
        ),
        what=f"{count} waiting",
    )


async def waiting_for(subscriptions: int) -> None:
    """Wait until this process has so many live subscriptions."""
    await until(
        lambda: REGISTRY.get_sample_value("calendar_live_subscriptions") == subscriptions,
        what=f"{subscriptions} subscriptions",
    )


async def at_once(asked: asyncio.Task[Any]) -> Any:
    """Return an answer that must come before the time of its wait is over: then it would come anyway.

    It is promised within a second.
    """
    return await asyncio.wait_for(asked, 10)


def kinds(answer: Any) -> list[str]:
    return [frame["type"] for frame in body_of(answer)["frames"]]
