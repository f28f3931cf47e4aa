"""What the hub and the sockets ask of the database, on threads of their own; never on the event loop, never writes."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Final, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections

from .. import access, changelog, conf
from ..access import Standing, UserKey
from ..changelog import Since
from ..protocol import frames
from ..protocol.rights import Access
from ..protocol.state import State

P = ParamSpec("P")
R = TypeVar("R")

_GATHERING_SECONDS: Final = 0.25


@cache
def _threads() -> ThreadPoolExecutor:
    # Channels' own single thread would let one slow query hold up every socket.
    return ThreadPoolExecutor(conf.number("LIVE_THREADS"), thread_name_prefix="calendar-live")


@cache
def _hub_thread() -> ThreadPoolExecutor:
    # Sockets that wait for the database, or requests that hold every connection of the pool, must not hold up a delivery.
    return ThreadPoolExecutor(1, thread_name_prefix="calendar-live-hub", initializer=_connect_apart)


def _connect_apart() -> None:
    """Give this thread a connection of its own, which it keeps, where others take theirs from a pool."""
    for alias in connections:
        options = connections.settings[alias].get("OPTIONS", {})
        if not options.get("pool"):
            continue
        connection = connections.create_connection(alias)
        without_pool = {name: value for name, value in options.items() if name != "pool"}
        connection.settings_dict = {
            **connection.settings_dict,
            "OPTIONS": without_pool,
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
        }
        connections[alias] = connection


async def _in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    call: Callable[P, Awaitable[R]] = database_sync_to_async(function, thread_sensitive=False, executor=_threads())
    return await call(*args, **kwargs)


async def _in_hub_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    call: Callable[P, Awaitable[R]] = database_sync_to_async(function, thread_sensitive=False, executor=_hub_thread())
    return await call(*args, **kwargs)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a session grants now: the calendars its user may see, each as `access.describe` says."""

    user_id: UserKey
    calendars: dict[str, dict[str, object]]

    def versions(self) -> dict[str, str]:
        """Return a short text per calendar that changes with what is told of it; its state is not part of that: frames tell it."""
        return {calendar: _version(described) for calendar, described in self.calendars.items()}

    def place(self, calendar: str) -> Standing | None:
        """Return the user's place in a calendar, with its head; None when they may not see it."""
        described = self.calendars.get(calendar)
        if described is None:
            return None
        access, state = Access.parse(str(described["access"])), State.parse(str(described["state"]))
        return Standing(calendar, str(described["role"]), access, state)


def _version(described: dict[str, object]) -> str:
    told = frames.calendar({name: value for name, value in described.items() if name != "state"})
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


async def granted(session_key: str | None) -> Granted | None:
    """Return what a session grants, or None when nobody (active) is signed in by it."""
    return None if session_key is None else await _in_thread(_granted, session_key)


def _granted(session_key: str) -> Granted | None:
    return _granted_to_each([session_key])[session_key]


def _granted_to_each(session_keys: Iterable[str]) -> dict[str, Granted | None]:
    """Return what sessions grant: two statements for each, as any engine and backend needs, and three for all."""
    users = {key: _user_of_session(key) for key in session_keys}
    described = access.describe_for({user for user in users.values() if user is not None})
    calendars = {user: {str(one["id"]): one for one in found} for user, found in described.items()}
    return {key: None if user is None else Granted(user, calendars[user]) for key, user in users.items()}


def _user_of_session(session_key: str) -> UserKey | None:
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]  # reads `session` alone
    return access.key_of(user) if user.is_authenticated and user.is_active else None


class Looks:
    """Gathers what many sockets ask within a short while into one call: one connection, few statements, one thread.

    A look of its own for each heartbeat cost half a core for 1,000 sockets, and held up deliveries (docs/benchmarks.md).
    """

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[Granted | None]] = {}
        self._gathering: asyncio.Task[None] | None = None

    async def granted(self, session_key: str) -> Granted | None:
        """Return what a session grants at some moment from now on."""
        answer = self._waiting.get(session_key)
        if answer is None:
            answer = self._waiting[session_key] = asyncio.get_running_loop().create_future()
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._gather())
        return await asyncio.shield(answer)  # a socket that goes must not take the answer from the others

    async def _gather(self) -> None:
        await asyncio.sleep(_GATHERING_SECONDS)
        asked, self._waiting = self._waiting, {}
        self._gathering = None
        try:
            found = await _in_thread(_granted_to_each, list(asked))
        except Exception as failure:  # each socket that asked handles it as its own
            for answer in asked.values():
                answer.set_exception(failure)
                answer.exception()  # nobody may be left to fetch it, and that is no news
        else:
            for key, answer in asked.items():
                answer.set_result(found[key])


_looks: WeakKeyDictionary[asyncio.AbstractEventLoop, Looks] = WeakKeyDictionary()


async def granted_at_leisure(session_key: str | None) -> Granted | None:
    """Return what `granted` does, a quarter of a second later, together with whoever asks in the same while."""
    if session_key is None:
        return None
    return await _looks.setdefault(asyncio.get_running_loop(), Looks()).granted(session_key)


async def standing(user_id: UserKey, calendar: str) -> Standing | None:
    """Return a user's place in a calendar, with its head; None when they may not see it."""
    found = await _in_thread(access.standings, user_id, calendars=[calendar])
    return found[0] if found else None


async def heads(calendars: Iterable[str]) -> dict[str, State]:
    """Return the heads of calendars, in one query, for the hub: it waits for nobody else's."""
    return await _in_hub_thread(changelog.heads, list(calendars))


async def first_head(calendar: str) -> State | None:
    """Return a calendar's head, for the first who subscribes to it: None when it is gone."""
    return (await _in_thread(changelog.heads, [calendar])).get(calendar)


async def read_missed(calendar: str, since: State) -> Since:
    """Return what the hub has not delivered yet, as `read_since` does; it waits for nobody else's query."""
    return await _in_hub_thread(_read_since, calendar, since)


async def read_since(calendar: str, since: State) -> Since:
    """Return what changed after a state, up to the limits of a replay. Raises CannotCalculateChanges."""
    return await _in_thread(_read_since, calendar, since)


def _read_since(calendar: str, since: State) -> Since:
    return changelog.read_since(
        calendar,
        since,
        max_sets=conf.number("MAX_REPLAY_SETS"),
        max_bytes=conf.number("MAX_REPLAY_BYTES"),
    )
