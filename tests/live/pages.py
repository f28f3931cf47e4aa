"""Provides a page as the hub sees it. It fails at once if the frames that it gets do not chain (rules S2 and S3)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import orjson
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from calendar_live.access import receiver_of
from calendar_live.access.receivers import Receiver
from calendar_live.live import reader
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from calendar_live.protocol import frames
from calendar_live.protocol.rights import Access
from calendar_live.protocol.state import State

P = ParamSpec("P")
R = TypeVar("R")


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function that uses the database as a view would: in a thread, with its broadcasts on this event loop."""
    answer: R = await database_sync_to_async(function)(*args, **kwargs)
    return answer


class Page:
    """A socket that knows its state in each calendar, and keeps the items that it is sent."""

    def __init__(self, who: User | Receiver) -> None:
        self.receiver = receiver_of(who)
        self.frames: list[dict[str, Any]] = []
        self.texts: list[str] = []
        self.rechecks = 0
        self.states: dict[str, str] = {}  # the end of each calendar's chain; a missing calendar is silent
        self.items: dict[str, dict[str, dict[str, Any]]] = {}
        self._asked: dict[str, str | None] = {}  # by calendar: the state of the subscribe under way
        self._numbers = itertools.count(1)

    def recheck(self, *, at_leisure: bool = False) -> None:
        self.rechecks += 1

    def push(self, text: str) -> None:
        frame = orjson.loads(text)
        self.texts.append(text)
        self.frames.append(frame)
        if frame["type"] == "changes":
            self._take(frame)
        elif frame["type"] == "subscribed":
            asked = self._asked.pop(frame["calendar"])
            if asked is not None:
                assert self.states[frame["calendar"]] == frame["state"], "the replay ends where `subscribed` says"
            self.states[frame["calendar"]] = frame["state"]
        elif frame["type"] in ("reset", "rights"):
            assert frame["calendar"] in self.states or frame["calendar"] in self._asked, "it was silent already"
            self.states.pop(frame["calendar"], None)
            self._asked.pop(frame["calendar"], None)
            self.items.pop(frame["calendar"], None)

    def _take(self, frame: dict[str, Any]) -> None:
        calendar = frame["calendar"]
        assert calendar in self.states, "changes in a calendar that is silent"
        assert self.states[calendar] == frame["oldState"], "a change that does not chain"
        if not frame["more"]:
            self.states[calendar] = frame["newState"]
        items = self.items.setdefault(calendar, {})
        for item in frame["upserted"]:
            items[item["id"]] = item
        for item in frame["destroyed"]:
            items.pop(item, None)

    async def subscribe(
        self, hub: Hub, calendar: Calendar, state: State | str | None = None, access: str | None = None
    ) -> None:
        """Subscribe, and wait until the answer has been pushed."""
        key = str(calendar.pk)
        wanted = state if state is None or isinstance(state, State) else State.parse(state)
        self._asked[key] = None if wanted is None else str(wanted)
        self.states.pop(key, None)
        if wanted is not None:
            self.states[key] = str(wanted)
        frame = frames.Subscribe(next(self._numbers), key, wanted, None if access is None else Access.parse(access))
        standings = await reader.standings(self.receiver, [key])
        await hub.subscribe(self, frame, standings.get(key))

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """Return the frames of a type, in order."""
        return [frame for frame in self.frames if frame["type"] == kind]

    @property
    def kinds(self) -> list[str]:
        """Return the types of all frames, in order; a reset is followed by its reason."""
        return [frame["type"] + (f" {frame['reason']}" if "reason" in frame else "") for frame in self.frames]

    def revisions(self) -> list[int]:
        """Return the revisions that were pushed, in order."""
        return [int(frame["newState"].partition(".")[0]) for frame in self.heard("changes")]
