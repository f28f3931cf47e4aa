"""Models the hub of one process: heads, members, and deliveries in the order of the log (S2, S5).

It does in plain Python what live/hub.py does.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from tests.model.database import CannotCalculate, Database
from tests.model.history import History
from tests.model.rules import Rules
from tests.model.sockets import Member, Served, Socket, Task, as_now, cut, is_behind
from tests.model.stages import first_stage
from tests.model.values import (
    BULK_ENTRIES,
    ChangeSet,
    ClientFrame,
    Granted,
    Head,
    Reset,
    State,
    Unsubscribe,
    Withdrawn,
)


@dataclass(eq=False, slots=True)
class Hub:
    rules: Rules
    history: History
    served: dict[str, Served] = field(default_factory=dict)
    sockets: list[Socket] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)

    # --- subscriptions ---------------------------------------------------------------------------------------

    def take(self, socket: Socket, frame: ClientFrame) -> None:
        """Receive a frame. The subscribes of one socket are answered in order."""
        socket.waiting.append(frame)
        self.begin_next(socket)

    def begin_next(self, socket: Socket) -> None:
        while socket.waiting and not (self.rules.answers_in_order and any(t.socket is socket for t in self.tasks)):
            frame = socket.waiting.popleft()
            if isinstance(frame, Unsubscribe):
                self.forget(frame.calendar, socket)
            else:
                self.tasks.append(Task(socket, frame, first_stage(self.rules)))

    def heads_of(self, socket: Socket) -> Head:
        """Return the heartbeat of a socket: the heads of its live calendars."""
        return Head(
            tuple(
                (calendar, served.head)
                for calendar, served in self.served.items()
                if (member := served.members.get(socket)) is not None and member.waiting is None
            )
        )

    def recheck(self, socket: Socket, db: Database) -> None:
        """Withdraw or reset each calendar that a socket's user may no longer see, or may see differently (S5)."""
        for calendar, served in list(self.served.items()):
            member = served.members.get(socket)
            access = db.places.get((socket.user, calendar))
            if member is None:
                continue
            if access is None:
                self.forget(calendar, socket)
                socket.push(Withdrawn(calendar))
            elif member.access is None:
                continue  # its rights are about to be read
            elif member.access != access and self.rules.reset_on_rights:
                self.reset(calendar, member, "rights")
            elif member.access != access:
                member.access = access

    def tell_rights(self, user: str, calendar: str, db: Database) -> None:
        """Take a message of the group `user.<id>`."""
        for socket in self.sockets:
            if socket.user == user:
                self.recheck(socket, db)
                if (user, calendar) in db.places:
                    socket.push(Granted(calendar))

    def drop(self, socket: Socket) -> None:
        self.sockets = [one for one in self.sockets if one is not socket]
        self.tasks = [task for task in self.tasks if task.socket is not socket]
        for calendar in list(self.served):
            self.forget(calendar, socket)

    def forget(self, calendar: str, socket: Socket) -> None:
        served = self.served.get(calendar)
        if served is None:
            return
        served.members.pop(socket, None)
        if not served.members:
            del self.served[calendar]

    # --- deliveries ------------------------------------------------------------------------------------------

    def receive(self, change_set: ChangeSet, db: Database) -> None:
        """Take a change set from the layer: deliver it, read the log, or drop it (S2)."""
        served = self.served.get(change_set.calendar)
        if served is None or change_set.new == served.head:
            return
        whole = change_set.entries is not None and len(change_set.entries) <= BULK_ENTRIES
        if change_set.old == served.head and whole:
            self.deliver(change_set)
        elif is_behind(served.head, change_set.new):
            if self.rules.hub_reads_what_is_missing or not whole:
                self.catch_up(change_set.calendar, db)
            else:
                self.deliver(change_set)
        elif not self.rules.hub_drops_behind and whole:
            self.deliver(change_set)

    def look(self, db: Database) -> None:
        """Check every head against the database, and catch up."""
        for calendar, served in list(self.served.items()):
            now = db.head(calendar)
            same = now == served.head if self.rules.look_compares_nonce else now.revision == served.head.revision
            if not same:
                self.catch_up(calendar, db)

    def catch_up(self, calendar: str, db: Database) -> None:
        served = self.served[calendar]
        try:
            missed = db.read_since(calendar, served.head, self.rules)
        except CannotCalculate:
            self.witness(calendar, served.head, db)
            served.head = db.head(calendar)
            for member in list(served.members.values()):
                if self.rules.hub_resets_other_history:
                    self.reset(calendar, member, "diverged")
            self.served[calendar] = served
            return
        for change_set, told in zip(missed, self.told(calendar, missed), strict=True):
            self.deliver(change_set, told)

    def told(self, calendar: str, sets: list[ChangeSet]) -> list[ChangeSet]:
        """Return change sets of the log as a replay sends them now."""
        told = as_now(sets) if self.rules.replay_as_now else sets
        self.history.check_told(calendar, told)
        return told

    def witness(self, calendar: str, refused: State, db: Database) -> None:
        self.history.check_refused(calendar, refused, db.head(calendar), db.kept_from.get(calendar, 0))

    def deliver(self, change_set: ChangeSet, told: ChangeSet | None = None) -> None:
        served = self.served[change_set.calendar]
        served.head = change_set.new
        for member in list(served.members.values()):
            if member.waiting is not None:
                member.waiting.append(change_set)
            else:
                self.send(member, told or change_set)
        self.served.setdefault(change_set.calendar, served)

    def send(self, member: Member, change_set: ChangeSet) -> bool:
        """Push one change set to one receiver. Return False if it became a reset."""
        if change_set.entries is None:
            self.reset(change_set.calendar, member, "bulk")
            return False
        assert member.access is not None
        rights = member.access.rights
        if rights == "public" and not self.rules.encoded_by_rights:
            rights = "shared"
        for frame in cut(change_set, rights, self.rules):
            member.socket.push(frame)
        return True

    def reset(self, calendar: str, member: Member, reason: str) -> None:
        """Reset a receiver. It gets nothing more of this calendar until it subscribes again."""
        served = self.served.get(calendar)
        if served is not None and served.members.get(member.socket) is member and self.rules.silent_after_reset:
            self.forget(calendar, member.socket)
        if self.rules.reset_voids_pending:
            self._void(calendar, member.socket)
        member.socket.push(Reset(calendar, reason))

    def _void(self, calendar: str, socket: Socket) -> None:
        """Forget the subscribes that the client sent before it could receive the reset."""
        self.tasks = [t for t in self.tasks if t.socket is not socket or t.frame.calendar != calendar]
        kept = [f for f in socket.waiting if isinstance(f, Unsubscribe) or f.calendar != calendar]
        socket.waiting = deque(kept)
