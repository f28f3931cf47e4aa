"""Keeps the subscribers of each calendar, and writes change sets to them in order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter, Gauge

from .. import conf
from ..protocol import frames
from ..protocol.changes import ChangeSet, as_now
from ..protocol.rights import Access
from ..protocol.state import State
from .recent import Delivery, Recent
from .sockets import Socket

deliveries = Counter("calendar_live_deliveries_total", "Change sets written to sockets.")
encodings = Counter("calendar_live_encodings_total", "Change sets encoded, once per rights class.")
resets = Counter("calendar_live_resets_total", "Resets sent to sockets.", ["reason"])
subscriptions = Gauge("calendar_live_subscriptions", "Live subscriptions of this process.")

_SOCKETS_PER_TURN: Final = 500  # after so many, a delivery lets the event loop do something else


@dataclass(eq=False)
class Subscription:
    """One socket's subscription to one calendar. `waiting`: what arrives during its replay; None once it is live."""

    socket: Socket
    access: Access
    waiting: list[Delivery] | None = field(default_factory=list)


@dataclass(eq=False)
class Served:
    """One calendar that this process serves. `lock` keeps its deliveries in order; `head` is the last one's state."""

    calendar: str
    head: State | None = None
    announced: State | None = None  # the newest state that was announced before there was a head
    gone: bool = False
    members: dict[Socket, Subscription] = field(default_factory=dict)
    recent: Recent = field(default_factory=Recent)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Deliveries:
    """The calendars that one event loop serves, and their subscribers. The hub fills and empties `served`."""

    def __init__(self) -> None:
        self.served: dict[str, Served] = {}
        self._count = 0
        self._calendars: dict[Socket, dict[str, None]] = {}  # in the order in which each socket asked

    # --- subscribers ---------------------------------------------------------------------------------------------

    def add(self, served: Served, subscription: Subscription) -> None:
        """Add a subscription, in place of an earlier one of the same socket."""
        socket = subscription.socket
        self._count += socket not in served.members
        served.members[socket] = subscription
        self._calendars.setdefault(socket, {})[served.calendar] = None
        subscriptions.set(self._count)

    def forget(self, served: Served, socket: Socket) -> None:
        """Remove a socket's subscription, if it has one."""
        if served.members.pop(socket, None) is None:
            return
        self._count -= 1
        subscriptions.set(self._count)
        mine = self._calendars[socket]
        del mine[served.calendar]
        if not mine:
            del self._calendars[socket]

    def calendars_of(self, socket: Socket) -> list[str]:
        """Return the calendars that a socket is subscribed to."""
        return list(self._calendars.get(socket, ()))

    def heads_of(self, socket: Socket) -> dict[str, State]:
        """Return the heads of the calendars that a socket is live on, for its heartbeat."""
        heads = {}
        for calendar in self.calendars_of(socket):
            served = self.served[calendar]
            member = served.members[socket]
            if served.head is not None and member.waiting is None:
                heads[calendar] = served.head
        return heads

    # --- what they are sent --------------------------------------------------------------------------------------

    async def deliver(self, served: Served, change_set: ChangeSet, told: ChangeSet | None = None) -> None:
        """Write a change set to every local socket, encoded once per rights class. The lock is held.

        `told`: the same change set as it is told now, if that differs.
        """
        served.head = change_set.new
        delivery = served.recent.add(change_set)
        live = delivery if told is None or told is change_set else Delivery(told)
        for number, member in enumerate(list(served.members.values()), start=1):
            if member.waiting is not None:
                member.waiting.append(delivery)
            elif served.members.get(member.socket) is member:
                self._send(served, member, live)
            if number % _SOCKETS_PER_TURN == 0:
                await asyncio.sleep(0)

    def go_live(
        self, served: Served, subscription: Subscription, frame: frames.Subscribe, missed: Sequence[Delivery]
    ) -> None:
        """Send a subscriber what it missed, what came meanwhile, and `subscribed`, in one go (rule S3)."""
        start = served.head if frame.state is None else frame.state
        if start is None or served.members.get(subscription.socket) is not subscription:
            return  # a later subscribe or a reset has removed it
        state = missed[-1].change_set.new if missed else start
        replay = list(missed)
        came, subscription.waiting = subscription.waiting or [], None
        for delivery in came:
            if delivery.change_set.old == state:  # otherwise the replay has it, or it is of another history
                replay.append(delivery)
                state = delivery.change_set.new
        replay = _as_now(replay)
        if any(_encoded(delivery, subscription) is None for delivery in replay):
            # The others are not sent either: what the large one says of their items is not known.
            self.reset(served, subscription, "bulk")
            return
        for delivery in replay:
            self._send(served, subscription, delivery)
        subscription.socket.push(
            frames.subscribed(id=frame.id, calendar=served.calendar, state=state, access=subscription.access)
        )

    def _send(self, served: Served, member: Subscription, delivery: Delivery) -> None:
        """Push one change set to one subscriber, or a reset when it is too large."""
        texts = _encoded(delivery, member)
        if texts is None:
            self.reset(served, member, "bulk")
            return
        for text in texts:
            member.socket.push(text)
        deliveries.inc()

    def reset(self, served: Served, member: Subscription, reason: str) -> None:
        """Tell a subscriber to start over. It hears nothing of this calendar until it subscribes again."""
        if served.members.get(member.socket) is not member:
            return  # it has been reset already
        resets.labels(reason).inc()
        self.forget(served, member.socket)
        # A page drops a picture of other rights at once. The few pages of one person need no spread, during which they
        # would stay empty.
        is_alone = reason == "rights" and member.socket.receiver.kind == "user"
        spread_ms = 0 if is_alone else conf.app.RESET_SPREAD_MS
        member.socket.push(frames.reset(calendar=served.calendar, reason=reason, spread_ms=spread_ms))

    def withdraw(self, served: Served) -> None:
        """Tell every subscriber that they may not see the calendar any more."""
        for member in list(served.members.values()):
            self.forget(served, member.socket)
            member.socket.push(frames.rights_withdrawn(calendar=served.calendar))


def _encoded(delivery: Delivery, member: Subscription) -> list[str] | None:
    """Return a delivery's frames for one subscriber, encoded once per rights class; None when it is too large."""
    rights = member.access.rights
    if rights not in delivery.encoded:
        encodings.inc()
        delivery.encoded[rights] = frames.changes(delivery.change_set, rights)
    return delivery.encoded[rights]


def _as_now(replay: Sequence[Delivery]) -> list[Delivery]:
    """Return deliveries that say of each item only what it is now. Those that do not change are the same objects."""
    told = as_now([delivery.change_set for delivery in replay])
    return [
        delivery if change_set is delivery.change_set else Delivery(change_set)
        for delivery, change_set in zip(replay, told, strict=True)
    ]
