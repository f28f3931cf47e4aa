"""Brings the change sets of every process to this process's sockets, in the log's order."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final

from django.dispatch import Signal
from prometheus_client import Counter

from .. import conf, wording
from ..access import Standing
from ..errors import CalendarLiveError, CannotCalculateChanges, Forbidden, TooMany
from ..protocol import frames
from ..protocol.changes import ChangeSet, as_now
from ..protocol.state import State
from ..reading.grant import Grant
from . import codec, reader
from .audiences import Audiences
from .deliveries import Deliveries, Served, Subscription
from .listener import Listener, Message
from .loops import one_per_loop
from .recent import KEPT_SECONDS, Delivery
from .sockets import Socket
from .supervision import Supervisor

logger = logging.getLogger(__name__)

# A hub that is behind reads at most so many parts of the log. All are read before the first is delivered, because each
# item is told as it is now.
_MOST_PARTS: Final = 8

# Sent when a process begins to serve pages. Receivers must be quick. Their failures are logged.
hub_started = Signal()

found_by_check = Counter(
    "calendar_live_missed_broadcasts_total", "Changes found by the head check, not by a broadcast."
)


class Hub:
    """The subscriptions of one event loop, by rules S2-S4 of docs/protocol.md. All methods run on that loop."""

    def __init__(self) -> None:
        self._listener = Listener(self._hear, self._regained)
        self._audiences = Audiences(self._listener)
        self._deliveries = Deliveries()
        self._served = self._deliveries.served
        self._tasks = Supervisor(
            {"listen": self._listener.listen, "watch": self._watch, "rejoin": self._listener.rejoin}
        )

    # --- sockets -------------------------------------------------------------------------------------------------

    async def enter(self, socket: Socket) -> None:
        """Add a socket. From now on it hears what concerns its receiver."""
        self._start()
        await self._audiences.enter(socket)

    async def leave(self, socket: Socket) -> None:
        """Remove a socket and all its subscriptions. The next head check drops calendars without any subscriber.

        Until then they are followed, because a long poll that was answered comes back in a moment, with the same head.
        """
        for calendar in self.calendars_of(socket):
            self._deliveries.forget(self._served[calendar], socket)
        await self._audiences.leave(socket)

    def end(self, *, spread_ms: int) -> None:
        """Tell every socket of this process to reconnect, and later each one that still comes: the process stops."""
        self._audiences.end(spread_ms=spread_ms)

    def see_off(self, socket: Socket) -> None:
        """Tell a socket that was greeted while this process stops to reconnect."""
        self._audiences.see_off(socket)

    def calendars_of(self, socket: Socket) -> list[str]:
        """Return the calendars that a socket is subscribed to."""
        return self._deliveries.calendars_of(socket)

    def heads_of(self, socket: Socket) -> dict[str, State]:
        """Return the heads of the calendars that a socket is live on, for its heartbeat."""
        return self._deliveries.heads_of(socket)

    # --- subscriptions -------------------------------------------------------------------------------------------

    async def subscribe(self, socket: Socket, frame: frames.Subscribe, standing: Standing | None) -> None:
        """Answer a subscribe: replay what was missed, send `subscribed`, and stay live (rule S3). Or reset, or refuse.

        `standing`: the receiver's standing in the calendar, read after they asked; None when they may not see it.
        """
        if standing is None:
            await self.unsubscribe(socket, frame.calendar)
            _refuse(socket, frame, Forbidden("no_calendar"))
            return
        if not self._has_room(socket, frame.calendar):
            self.refuse(socket, frame)
            return
        served = await self._serve(frame.calendar)
        subscription = Subscription(socket, standing.access)
        self._deliveries.add(served, subscription)
        try:
            await self._begin(served, subscription, standing, frame)
        except CalendarLiveError as failure:
            self._deliveries.forget(served, socket)
            _refuse(socket, frame, failure)

    def refuse(self, socket: Socket, frame: frames.Subscribe) -> None:
        """Tell a socket that it asks for more calendars than a page may follow."""
        most = conf.app.MAX_SUBSCRIPTIONS_PER_SOCKET
        _refuse(socket, frame, TooMany("too_many_calendars", limit=most))

    def _has_room(self, socket: Socket, calendar: str) -> bool:
        mine = self.calendars_of(socket)
        return len(mine) < conf.app.MAX_SUBSCRIPTIONS_PER_SOCKET or calendar in mine

    async def _begin(
        self, served: Served, subscription: Subscription, standing: Standing, frame: frames.Subscribe
    ) -> None:
        async with served.lock:
            if served.head is not None and _is_behind(served.head, standing.state):
                await self._catch_up(served)
        if served.head is None:
            raise Forbidden("no_calendar")
        if frame.state is not None and frame.access != standing.access:
            self._deliveries.reset(served, subscription, "rights")
            return
        missed: Sequence[Delivery] = ()
        if frame.state is not None and not frame.state == standing.state == served.head:
            # The head is the database's own. So what was delivered before it is the database's history, too.
            recalled = served.recent.since(frame.state) if standing.state == served.head else None
            if recalled is None:
                try:
                    since = await reader.read_since(served.calendar, frame.state)
                except CannotCalculateChanges as failure:
                    self._deliveries.reset(served, subscription, failure.reason)
                    return
                if since.has_more:
                    self._deliveries.reset(served, subscription, "bulk")
                    return
                recalled = [Delivery(change_set) for change_set in since.change_sets]
                await self._bring_up(served, recalled)
            missed = recalled
        # Nothing is awaited below, so nothing can come between the replay, `subscribed`, and what waited.
        self._deliveries.go_live(served, subscription, frame, missed)

    async def _bring_up(self, served: Served, recalled: Sequence[Delivery]) -> None:
        """Bring a calendar's head to the end of what is about to be replayed.

        Otherwise nobody would notice a database that is restored to the head, and the page would keep what came after.
        """
        async with served.lock:
            if recalled and served.head is not None and _is_behind(served.head, recalled[-1].change_set.new):
                await self._catch_up(served)

    async def unsubscribe(self, socket: Socket, calendar: str) -> None:
        """End a socket's subscription to a calendar, if it has one."""
        served = self._served.get(calendar)
        if served is not None and socket in served.members:
            self._deliveries.forget(served, socket)
            await self._leave_if_empty(served)

    async def tell_rights(self, socket: Socket, grant: Grant, known: Mapping[str, str]) -> dict[str, str]:
        """Tell a socket what it is granted now, and return the versions that it then knows (invariant 7).

        Each calendar that differs from its `known` version is sent. Each that is not granted any more is withdrawn.
        """
        versions = grant.versions()
        lost = (known.keys() | set(self.calendars_of(socket))) - versions.keys()
        for calendar, described in grant.calendars.items():
            if known.get(calendar) != versions[calendar]:
                socket.push(frames.calendar(described))
        await self.apply_rights(socket, grant.accesses())
        for calendar in lost:
            socket.push(frames.rights_withdrawn(calendar=calendar))
        return versions

    async def apply_rights(self, socket: Socket, accesses: Mapping[str, str]) -> None:
        """End the subscriptions that a socket may not have any more; reset those with other rights (invariant 7)."""
        for calendar in self.calendars_of(socket):
            served = self._served[calendar]
            member = served.members[socket]
            if calendar not in accesses:
                await self.unsubscribe(socket, calendar)
            elif str(member.access) != accesses[calendar]:
                self._deliveries.reset(served, member, "rights")

    # --- the calendars of this process ---------------------------------------------------------------------------

    async def _serve(self, calendar: str) -> Served:
        """Return a calendar that this process listens to: the group is joined before the head is read."""
        self._start()
        while True:
            served = self._served.setdefault(calendar, Served(calendar))
            async with served.lock:
                if served.gone:
                    continue
                if served.head is None:
                    await self._listener.join(codec.group_of(calendar))
                    served.head = await reader.first_head(calendar)
                    if served.head and served.announced and _is_behind(served.head, served.announced):
                        await self._catch_up(served)
                return served

    async def _leave_if_empty(self, served: Served) -> None:
        async with served.lock:
            if served.members or served.gone:
                return
            served.gone = True
            del self._served[served.calendar]
            await self._listener.part(codec.group_of(served.calendar))

    # --- change sets ---------------------------------------------------------------------------------------------

    async def receive(self, change_set: ChangeSet) -> None:
        """Deliver a change set from the layer if it chains, read the log if it is ahead, or drop it (rule S2)."""
        served = self._served.get(change_set.calendar)
        if served is None:
            return
        if served.head is None:
            # The first subscriber is reading the head, perhaps slowly. Other calendars must not wait for that.
            served.announced = change_set.new
            return
        async with served.lock:
            await self._take(served, change_set)

    async def _take(self, served: Served, change_set: ChangeSet) -> None:
        if served.head is None or change_set.new == served.head:
            return
        if change_set.old == served.head and change_set.entries is not None:
            await self._deliveries.deliver(served, change_set)
        elif _is_behind(served.head, change_set.new):
            await self._catch_up(served)

    async def check_heads(self) -> None:
        """Compare every head with the database's, in one query, and catch up with changes that no broadcast brought."""
        remembered = time.monotonic() - KEPT_SECONDS
        for served in list(self._served.values()):
            served.recent.forget_older_than(remembered)
            # It is locked while its first subscriber reads its head.
            if not served.members and not served.lock.locked():
                await self._leave_if_empty(served)
        before = {calendar: served.head for calendar, served in self._served.items() if served.head is not None}
        if not before:
            return
        now = await reader.heads(before)
        for calendar, head in before.items():
            if now.get(calendar) != head and calendar in self._served:
                await self._repair(self._served[calendar], head, exists=calendar in now)

    async def _repair(self, served: Served, seen: State, *, exists: bool) -> None:
        async with served.lock:
            if served.head != seen:
                return  # a broadcast has brought the change meanwhile
            if not exists:
                self._deliveries.withdraw(served)
                return
            found_by_check.inc()
            await self._catch_up(served)
            self._listener.doubt(codec.group_of(served.calendar))

    async def _catch_up(self, served: Served) -> None:
        """Deliver from the log everything after the head, with each item as it is now. The lock is held."""
        missed: list[ChangeSet] = []
        at, has_more = served.head, True
        for _ in range(_MOST_PARTS):
            if at is None or not has_more:
                break
            try:
                since = await reader.read_missed(served.calendar, at)
            except CannotCalculateChanges:
                await self._begin_anew(served, "diverged")
                return
            missed += since.change_sets
            at, has_more = missed[-1].new if missed else at, since.has_more
        else:
            if has_more:
                await self._begin_anew(served, "bulk")
                return
        for change_set, told in zip(missed, as_now(missed), strict=True):
            await self._deliveries.deliver(served, change_set, told)

    async def _begin_anew(self, served: Served, reason: str) -> None:
        """Reset everyone: the head is of another history (a restored database, invariant 6), or too far behind."""
        served.recent.forget()
        served.head = (await reader.heads([served.calendar])).get(served.calendar)
        for member in list(served.members.values()):
            self._deliveries.reset(served, member, reason)

    # --- supervised tasks ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._tasks.started:
            self._tasks.start()
            hub_started.send_robust(sender=type(self))

    async def close(self) -> None:
        """Stop listening, when a process or a test ends."""
        await self._tasks.close()

    async def _hear(self, message: Message) -> None:
        if message.get("type") == codec.MESSAGE_TYPE:
            await self.receive(codec.decode(message))
        elif message.get("type") == codec.RIGHTS_TYPE:
            self._audiences.recheck(message["receiver"])
        elif message.get("type") == codec.RECONNECT_TYPE:
            self._audiences.send_away(spread_ms=message["spread_ms"])

    def _regained(self, group: str) -> None:
        # What was missed of a calendar's group is found by the head check.
        self._audiences.recheck(group, at_leisure=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(conf.app.HEAD_CHECK_SECONDS)
            try:
                await self.check_heads()
            except Exception:  # the database may be away for a while
                logger.exception("The hub could not check the heads")


def _refuse(socket: Socket, frame: frames.Subscribe, failure: CalendarLiveError) -> None:
    socket.push(frames.error(failure.code, wording.detail(failure), id=frame.id))


def _is_behind(head: State, state: State) -> bool:
    """Whether a state proves that a head is not the newest: it has a later revision, or the same with another nonce."""
    return state.revision > head.revision or (state.revision == head.revision and state != head)


get_hub: Final = one_per_loop(Hub)  # under daphne, one for the process
