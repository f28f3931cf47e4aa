"""The one object per process that hears of change sets and tells local sockets, in the log's order. Never waits for a socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.dispatch import Signal
from prometheus_client import Counter, Gauge

from .. import conf
from ..access import Standing
from ..errors import CalendarLiveError, CannotCalculateChanges, Forbidden
from ..protocol import frames
from ..protocol.changes import ChangeSet
from ..protocol.rights import Access, Rights
from ..protocol.state import State
from ..receivers import Receiver
from . import broadcast, reader
from .supervision import Supervisor

logger = logging.getLogger(__name__)

# Sent when a process begins to serve pages. Receivers must be quick; their failures are logged.
hub_started = Signal()

deliveries = Counter("calendar_live_deliveries_total", "Change sets written to sockets.")
encodings = Counter("calendar_live_encodings_total", "Change sets encoded, once per rights class.")
resets = Counter("calendar_live_resets_total", "Resets sent to sockets.", ["reason"])
found_by_look = Counter(
    "calendar_live_missed_broadcasts_total", "Changes found by the look at the heads, not by a broadcast."
)
subscriptions = Gauge("calendar_live_subscriptions", "Live subscriptions of this process.")

_SOCKETS_PER_TURN: Final = 500  # a delivery to more sockets lets the event loop breathe in between
_RETRY_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 0.25  # whoever opens a page waits no longer for a broker that hangs


class Socket(Protocol):
    """What the hub needs of a socket."""

    receiver: Receiver

    def push(self, text: str) -> None:
        """Send a frame without waiting and without raising."""

    def recheck(self) -> None:
        """Look soon at what it is still granted."""


@dataclass(eq=False)
class Subscription:
    """One socket's interest in one calendar. `waiting` keeps what arrives during its replay; None once it is live."""

    socket: Socket
    access: Access
    reached: int = -1  # the revision this receiver has been sent
    waiting: list[ChangeSet] | None = field(default_factory=list)


@dataclass(eq=False)
class _Served:
    """One calendar this process serves. `lock` keeps its deliveries in order; `head` is what was delivered last."""

    calendar: str
    head: State | None = None
    announced: State | None = None  # while there is no head yet: the newest state that was heard of
    gone: bool = False
    members: dict[Socket, Subscription] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(eq=False)
class _Audience:
    """One receiver's sockets here. `lock`: who leaves must not part from the group that who enters meanwhile relies on."""

    sockets: set[Socket] = field(default_factory=set)
    heard: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hub:
    """Subscriptions of one event loop. Obey rules S2-S4 of docs/protocol.md; all methods run on that loop."""

    def __init__(self) -> None:
        self._served: dict[str, _Served] = {}
        self._audiences: dict[str, _Audience] = {}  # by the receiver's key
        self._unheard = {broadcast.CONTROL_GROUP}  # groups the layer did not let us join yet
        self._deaf_until = 0.0  # after a failure of the layer, nobody waits for it until then
        self._layer = get_channel_layer(conf.text("CHANNEL_LAYER"))
        self._name: str | None = None
        self._naming = asyncio.Lock()
        self._order_to_leave: str | None = None
        self._tasks = Supervisor({"listen": self._listen, "watch": self._watch, "rejoin": self._rejoin})

    # --- subscriptions -------------------------------------------------------------------------------------------

    async def enter(self, socket: Socket) -> None:
        """Take in a socket: from now on it hears what concerns its receiver."""
        self._start()
        key = str(socket.receiver)
        audience = self._audiences.setdefault(key, _Audience())
        audience.sockets.add(socket)
        async with audience.lock:
            if not audience.heard:
                await self._join(key)
                audience.heard = True

    async def leave(self, socket: Socket) -> None:
        """Let go of a socket and all its subscriptions. A calendar nobody is left on goes at the next look at the heads.

        Until then it is followed: a long-poll that was answered is back in a moment, at that very head.
        """
        for calendar in self.calendars_of(socket):
            self._forget(self._served[calendar], socket)
        key = str(socket.receiver)
        audience = self._audiences.get(key, _Audience())
        audience.sockets.discard(socket)
        async with audience.lock:
            if not audience.sockets and audience.heard:
                audience.heard = False
                await self._part(key)
            if not audience.sockets and self._audiences.get(key) is audience:
                del self._audiences[key]

    async def subscribe(self, socket: Socket, frame: frames.Subscribe) -> None:
        """Answer a subscribe: replay what was missed, say `subscribed`, then stay live (rule S3); else a reset or an error."""
        await self.subscribe_at(socket, frame, await reader.standing(socket.receiver, frame.calendar))

    async def subscribe_at(self, socket: Socket, frame: frames.Subscribe, place: Standing | None) -> None:
        """Answer a subscribe of someone whose place in the calendar was read after they asked (None: it is not theirs to see)."""
        if place is None:
            await self.unsubscribe(socket, frame.calendar)
            socket.push(frames.error(Forbidden("There is no such calendar that you may see."), id=frame.id))
            return
        served = await self._serve(frame.calendar)
        subscription = Subscription(socket, place.access)
        served.members[socket] = subscription
        subscriptions.set(self._count())
        try:
            await self._begin(served, subscription, place, frame)
        except CalendarLiveError as failure:
            self._forget(served, socket)
            socket.push(frames.error(failure, id=frame.id))

    async def _begin(
        self, served: _Served, subscription: Subscription, place: Standing, frame: frames.Subscribe
    ) -> None:
        async with served.lock:
            if served.head is not None and _is_behind(served.head, place.state):
                await self._catch_up(served)
        if served.head is None:
            raise Forbidden("There is no such calendar that you may see.")
        if frame.state is not None and frame.access != place.access:
            self._reset(served, subscription, "rights")
            return
        missed: tuple[ChangeSet, ...] = ()
        # The database's own head, and what was delivered last: nothing was missed, and nothing is read to find that out.
        if frame.state is not None and not frame.state == place.state == served.head:
            try:
                since = await reader.read_since(served.calendar, frame.state)
            except CannotCalculateChanges as failure:
                self._reset(served, subscription, failure.reason)
                return
            if since.has_more:
                self._reset(served, subscription, "bulk")
                return
            missed = since.change_sets
        # From here to `live` nothing is awaited, so nothing can come between replay, `subscribed` and what waited.
        self._go_live(served, subscription, frame, missed)

    def _go_live(
        self, served: _Served, subscription: Subscription, frame: frames.Subscribe, missed: tuple[ChangeSet, ...]
    ) -> None:
        start = served.head if frame.state is None else frame.state
        if start is None or served.members.get(subscription.socket) is not subscription:
            return  # replaced by a later subscribe, or void after a reset
        subscription.reached = start.revision
        for change_set in missed:
            if not self._send(served, subscription, change_set, {}):
                return
        state = missed[-1].new if missed else start
        subscription.socket.push(
            frames.subscribed(id=frame.id, calendar=served.calendar, state=state, access=subscription.access)
        )
        waiting, subscription.waiting = subscription.waiting or [], None
        for change_set in waiting:
            if not self._send(served, subscription, change_set, {}):
                return

    async def unsubscribe(self, socket: Socket, calendar: str) -> None:
        """End a socket's interest in a calendar, if it has any."""
        served = self._served.get(calendar)
        if served is not None and socket in served.members:
            self._forget(served, socket)
            await self._leave_if_empty(served)

    def calendars_of(self, socket: Socket) -> list[str]:
        """Return the calendars a socket is subscribed to."""
        return [calendar for calendar, served in self._served.items() if socket in served.members]

    def heads_of(self, socket: Socket) -> dict[str, State]:
        """Return where the calendars stand that a socket is live on: what its heartbeat says."""
        return {
            calendar: served.head
            for calendar, served in self._served.items()
            if served.head is not None
            and (member := served.members.get(socket)) is not None
            and member.waiting is None
            and member.reached <= served.head.revision
        }

    async def tell_rights(self, socket: Socket, granted: reader.Granted, known: Mapping[str, str]) -> dict[str, str]:
        """Bring a socket to what it is granted now, and return that as the versions it then knows (invariant 7).

        Each calendar that is not as it knows it is told, and each that is no longer its own is withdrawn.
        """
        versions = granted.versions()
        lost = (known.keys() | set(self.calendars_of(socket))) - versions.keys()
        for calendar, described in granted.calendars.items():
            if known.get(calendar) != versions[calendar]:
                socket.push(frames.calendar(described))
        await self.apply_rights(socket, {calendar: str(one["access"]) for calendar, one in granted.calendars.items()})
        for calendar in lost:
            socket.push(frames.rights_withdrawn(calendar=calendar))
        return versions

    async def apply_rights(self, socket: Socket, accesses: Mapping[str, str]) -> None:
        """End or restart what a socket may no longer see as it does (invariant 7)."""
        for calendar in self.calendars_of(socket):
            served = self._served[calendar]
            member = served.members[socket]
            if calendar not in accesses:
                await self.unsubscribe(socket, calendar)
            elif str(member.access) != accesses[calendar]:
                self._reset(served, member, "rights")

    def _forget(self, served: _Served, socket: Socket) -> None:
        served.members.pop(socket, None)
        subscriptions.set(self._count())

    def _count(self) -> int:
        return sum(len(served.members) for served in self._served.values())

    # --- the calendars of this process ---------------------------------------------------------------------------

    async def _serve(self, calendar: str) -> _Served:
        """Return a calendar this process listens for: first the group, then the head, so that no change falls between."""
        self._start()
        while True:
            served = self._served.setdefault(calendar, _Served(calendar))
            async with served.lock:
                if served.gone:
                    continue
                if served.head is None:
                    await self._join(broadcast.group_of(calendar))
                    served.head = await reader.first_head(calendar)
                    if served.head and served.announced and _is_behind(served.head, served.announced):
                        await self._catch_up(served)
                return served

    async def _leave_if_empty(self, served: _Served) -> None:
        async with served.lock:
            if served.members or served.gone:
                return
            served.gone = True
            del self._served[served.calendar]
            await self._part(broadcast.group_of(served.calendar))

    async def _join(self, group: str) -> None:
        """Join a group of the layer. While the broker is away, the look at the heads serves; it is joined when it is back."""
        if self._layer is None:
            return
        self._unheard.add(group)
        if time.monotonic() >= self._deaf_until:
            await self._try_to_join(group, seconds=_JOIN_SECONDS)

    async def _try_to_join(self, group: str, *, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                async with self._naming:  # those who come first come together, and one channel is all that is read
                    if self._name is None:
                        self._name = await self._layer.new_channel()
                await self._layer.group_add(group, self._name)
        except Exception as failure:  # the layer's own client errors
            if not self._deaf_until:
                logger.warning(
                    "The channel layer failed; the look at the heads serves: %s: %s", type(failure).__name__, failure
                )
            self._deaf_until = time.monotonic() + _RETRY_SECONDS
            return False
        self._unheard.discard(group)
        if self._deaf_until:
            self._deaf_until = 0.0
            logger.warning("The channel layer is back.")
        return True

    async def _part(self, group: str) -> None:
        self._unheard.discard(group)
        if self._layer is not None and self._name is not None:
            with contextlib.suppress(Exception):  # a dead broker has forgotten the group anyway
                await asyncio.wait_for(self._layer.group_discard(group, self._name), _RETRY_SECONDS)

    # --- deliveries ----------------------------------------------------------------------------------------------

    async def receive(self, change_set: ChangeSet) -> None:
        """Take a change set from the layer: deliver it if it chains, read the log if it is ahead, else drop it (rule S2)."""
        served = self._served.get(change_set.calendar)
        if served is None:
            return
        if (
            served.head is None
        ):  # its first subscriber reads it, perhaps slowly: no other calendar's delivery waits for that
            served.announced = change_set.new
            return
        async with served.lock:
            await self._take(served, change_set)

    async def _take(self, served: _Served, change_set: ChangeSet) -> None:
        if served.head is None or change_set.new == served.head:
            return
        if change_set.old == served.head and change_set.entries is not None:
            await self._deliver(served, change_set)
        elif _is_behind(served.head, change_set.new):
            await self._catch_up(served)

    async def look_at_heads(self) -> None:
        """Compare every head with the database, in one query, and catch up: no lost broadcast costs more than this."""
        for served in list(self._served.values()):
            # Locked: its first subscriber is coming, perhaps slowly.
            if not served.members and not served.lock.locked():
                await self._leave_if_empty(served)
        before = {calendar: served.head for calendar, served in self._served.items() if served.head is not None}
        if not before:
            return
        now = await reader.heads(before)
        for calendar, head in before.items():
            if now.get(calendar) != head and calendar in self._served:
                await self._repair(self._served[calendar], head, exists=calendar in now)

    async def _repair(self, served: _Served, seen: State, *, exists: bool) -> None:
        async with served.lock:
            if served.head != seen:
                return  # a broadcast was quicker
            if not exists:
                self._withdraw(served)
                return
            found_by_look.inc()
            await self._catch_up(served)
            # An in-memory layer forgets who did not listen for a minute.
            self._unheard.add(broadcast.group_of(served.calendar))

    async def _catch_up(self, served: _Served) -> None:
        """Deliver from the log all that lies after the head. The lock is held."""
        while served.head is not None:
            try:
                since = await reader.read_missed(served.calendar, served.head)
            except CannotCalculateChanges:
                await self._diverge(served)
                return
            for change_set in since.change_sets:
                await self._deliver(served, change_set)
            if not since.has_more:
                return

    async def _diverge(self, served: _Served) -> None:
        """This head is of another history (a restored database): everyone starts anew (invariant 6)."""
        served.head = (await reader.heads([served.calendar])).get(served.calendar)
        for member in list(served.members.values()):
            self._reset(served, member, "diverged")

    async def _deliver(self, served: _Served, change_set: ChangeSet) -> None:
        """Write a change set to every local socket, encoded once per rights class. The lock is held."""
        served.head = change_set.new
        encoded: dict[Rights, list[str] | None] = {}
        for number, member in enumerate(list(served.members.values()), start=1):
            if member.waiting is not None:
                member.waiting.append(change_set)
            elif served.members.get(member.socket) is member:
                self._send(served, member, change_set, encoded)
            if number % _SOCKETS_PER_TURN == 0:
                await asyncio.sleep(0)

    def _send(
        self,
        served: _Served,
        member: Subscription,
        change_set: ChangeSet,
        encoded: dict[Rights, list[str] | None],
    ) -> bool:
        """Push one change set to one receiver, unless it has it. Return False when it was too large and became a reset."""
        if change_set.new.revision <= member.reached:
            return True
        rights = member.access.rights
        if rights not in encoded:
            encodings.inc()
            encoded[rights] = frames.changes(change_set, rights)
        texts = encoded[rights]
        if texts is None:
            self._reset(served, member, "bulk")
            return False
        for text in texts:
            member.socket.push(text)
        member.reached = change_set.new.revision
        deliveries.inc()
        return True

    def _reset(self, served: _Served, member: Subscription, reason: str) -> None:
        """Order a receiver to start anew; it hears nothing of this calendar until it subscribes again."""
        if served.members.get(member.socket) is not member:
            return  # it was told already
        resets.labels(reason).inc()
        self._forget(served, member.socket)
        member.socket.push(
            frames.reset(calendar=served.calendar, reason=reason, spread_ms=conf.number("RESET_SPREAD_MS"))
        )

    def _withdraw(self, served: _Served) -> None:
        for member in list(served.members.values()):
            self._forget(served, member.socket)
            member.socket.push(frames.rights_withdrawn(calendar=served.calendar))

    # --- supervised tasks ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._tasks.started:
            self._tasks.start()
            hub_started.send_robust(sender=type(self))

    async def close(self) -> None:
        """Stop listening; for orderly ends and tests."""
        await self._tasks.close()

    async def _listen(self) -> None:
        while True:
            try:
                await self._receive_one()
            except Exception:  # whatever one message does, the next one is heard
                logger.exception("The hub could not take a message")
                await asyncio.sleep(_RETRY_SECONDS)

    async def _receive_one(self) -> None:
        if self._layer is None or self._name is None:
            await asyncio.sleep(_RETRY_SECONDS / 10)  # not named yet: the first subscriber does it
            return
        message = await self._layer.receive(self._name)
        if message.get("type") == broadcast.MESSAGE_TYPE:
            await self.receive(broadcast.decode(message))
        elif message.get("type") == broadcast.RIGHTS_TYPE:
            audience = self._audiences.get(message["receiver"], _Audience())
            for socket in list(audience.sockets):
                socket.recheck()
        elif message.get("type") == broadcast.RECONNECT_TYPE:
            self.send_away(spread_ms=message["spread_ms"])

    def send_away(self, *, spread_ms: int) -> None:
        """Have every socket of this process connect anew: to a server that has just joined, or before this one goes."""
        order = frames.reconnect(spread_ms=spread_ms)
        for audience in list(self._audiences.values()):
            for socket in list(audience.sockets):
                socket.push(order)

    def end(self, *, spread_ms: int) -> None:
        """Have every socket of this process connect anew, and those that still come: this process stops."""
        self._order_to_leave = frames.reconnect(spread_ms=spread_ms)
        self.send_away(spread_ms=spread_ms)

    def see_off(self, socket: Socket) -> None:
        """Send a socket away again that was greeted while this process is stopping."""
        if self._order_to_leave is not None:
            socket.push(self._order_to_leave)

    async def _rejoin(self) -> None:
        """Join what could not be joined; a task of its own, because the look at the heads must never wait for a broker."""
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            for group in list(self._unheard):
                if not await self._try_to_join(group, seconds=_RETRY_SECONDS):
                    break

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(conf.seconds("HEAD_CHECK_SECONDS"))
            try:
                await self.look_at_heads()
            except Exception:  # the database may be away for a while
                logger.exception("The hub could not look at the heads")


def _is_behind(head: State, state: State) -> bool:
    """Whether a state proves that a head is not the newest of its history: later, or as late in another history."""
    return state.revision > head.revision or (state.revision == head.revision and state != head)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def get_hub() -> Hub:
    """Return the hub of the running event loop: one per process under daphne."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
