"""Reads the database for the hub and the sockets, in threads of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final, Generic, ParamSpec, TypeAlias, TypeVar

from channels.db import database_sync_to_async
from django.db import connections

from .. import access, changelog, conf
from ..access import Standing
from ..access.credentials import Credential, identify
from ..access.receivers import Receiver
from ..changelog import Since
from ..protocol.state import State
from ..reading.calendars import describe_for
from ..reading.grant import Grant
from .loops import one_per_loop

P = ParamSpec("P")
R = TypeVar("R")
K = TypeVar("K")
V = TypeVar("V")
_Asked: TypeAlias = tuple[Receiver, frozenset[str]]

_GATHERING_SECONDS: Final = 0.25
# For each kind of question. With two, a call that hangs does not stop the next one. With more, fewer questions would
# share a call.
_CALLS_AT_ONCE: Final = 2


@cache
def _threads() -> ThreadPoolExecutor:
    # Channels has a single thread, in which one slow query would delay every socket.
    return ThreadPoolExecutor(conf.app.LIVE_THREADS, thread_name_prefix="calendar-live")


@cache
def _hub_thread() -> ThreadPoolExecutor:
    # Sockets that wait for the database, or requests that use every connection of the pool, must not delay a delivery.
    return ThreadPoolExecutor(1, thread_name_prefix="calendar-live-hub", initializer=_connect_apart)


def _connect_apart() -> None:
    """Give this thread a lasting connection of its own where other threads take theirs from a pool."""
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


def _standings_of_each(asked: list[_Asked]) -> dict[_Asked, dict[str, Standing]]:
    """Return the standings of receivers in the calendars that each asks for."""
    named = frozenset[str]().union(*(calendars for _, calendars in asked))
    found = access.standings_for({receiver for receiver, _ in asked}, calendars=named)
    return {
        (receiver, calendars): {one.calendar: one for one in found[receiver] if one.calendar in calendars}
        for receiver, calendars in asked
    }


def _grants_of_each(credentials: Iterable[Credential]) -> dict[Credential, Grant | None]:
    """Return the grants of credentials. Each session takes two statements, in any engine; all share a few more."""
    receivers = {credential: identify(credential) for credential in credentials}
    grants = describe_for({receiver for receiver in receivers.values() if receiver is not None})
    return {credential: None if receiver is None else grants[receiver] for credential, receiver in receivers.items()}


class _Gathered(Generic[K, V]):
    """Collects the questions that sockets ask within a short while, or while calls run, and answers them in one call.

    A query for each heartbeat cost a third of a core with 1,000 sockets, and delayed deliveries (docs/benchmarks.md). A
    query for each page that came back made the pages behind it wait (docs/soak.md).
    """

    def __init__(self, read: Callable[[list[K]], Mapping[K, V]], *, seconds: float = 0.0) -> None:
        self._read = read
        self._seconds = seconds
        self._calls = asyncio.Semaphore(_CALLS_AT_ONCE)
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._gathering: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        """Return the answer as of some moment after this call."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._gather())
        return await asyncio.shield(answer)  # a socket that leaves must not cancel the answer for the others

    async def _gather(self) -> None:
        await asyncio.sleep(self._seconds)
        async with self._calls:
            asked, self._waiting = self._waiting, {}
            self._gathering = None
            await self._answer(asked)

    async def _answer(self, asked: dict[K, asyncio.Future[V]]) -> None:
        try:
            found = await _in_thread(self._read, list(asked))
            answers = [found[key] for key in asked]
        except Exception as failure:  # each socket that asked handles it
            for waiting in asked.values():
                waiting.set_exception(failure)
                waiting.exception()  # marks it as seen: the socket may be gone
        else:
            for waiting, answer in zip(asked.values(), answers, strict=True):
                waiting.set_result(answer)


class _Questions:
    """The questions that the sockets of one event loop ask together."""

    def __init__(self) -> None:
        self.grants: _Gathered[Credential, Grant | None] = _Gathered(_grants_of_each)
        self.grants_at_leisure: _Gathered[Credential, Grant | None] = _Gathered(
            _grants_of_each, seconds=_GATHERING_SECONDS
        )
        self.standings: _Gathered[_Asked, dict[str, Standing]] = _Gathered(_standings_of_each)


_questions: Final = one_per_loop(_Questions)


async def grant_of(credential: Credential | None, *, at_leisure: bool = False) -> Grant | None:
    """Return what a credential grants, or None when it is nobody's.

    At leisure, the answer comes a quarter of a second later and shares its statements with all questions of that time.
    """
    if credential is None:
        return None
    return await (_questions().grants_at_leisure if at_leisure else _questions().grants).get(credential)


async def standings(receiver: Receiver, calendars: Iterable[str]) -> dict[str, Standing]:
    """Return a receiver's standings in those of some calendars that they may see, as of one moment."""
    return await _questions().standings.get((receiver, frozenset(calendars)))


async def heads(calendars: Iterable[str]) -> dict[str, State]:
    """Return the heads of calendars for the hub, in one query that waits for no other one."""
    return await _in_hub_thread(changelog.heads, list(calendars))


async def first_head(calendar: str) -> State | None:
    """Return a calendar's head for its first subscriber; None when the calendar is gone."""
    return (await _in_thread(changelog.heads, [calendar])).get(calendar)


async def read_missed(calendar: str, since: State) -> Since:
    """Return what the hub has not delivered yet, as `read_since` does. It waits for no socket's query."""
    return await _in_hub_thread(_read_since, calendar, since)


async def read_since(calendar: str, since: State) -> Since:
    """Return what changed after a state, up to the limits of a replay. Raises CannotCalculateChanges."""
    return await _in_thread(_read_since, calendar, since)


def _read_since(calendar: str, since: State) -> Since:
    return changelog.read_since(
        calendar,
        since,
        max_sets=conf.app.MAX_REPLAY_SETS,
        max_bytes=conf.app.MAX_REPLAY_BYTES,
    )
