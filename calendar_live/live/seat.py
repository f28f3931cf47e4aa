"""Decides who may open a connection, when its rights are read again, and when it is signed out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..access.receivers import Receiver
from ..errors import SignedOut, TooMany
from ..reading.grant import Grant

RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """An order to read again what the credential grants. Answer it with `Seat.renew`, or with `Seat.put_off`.

    `at_leisure`: the read may wait a little, to share its statements with others. `is_heartbeat`: nobody asked, and
    nothing has ended.
    """

    at_leisure: bool
    is_heartbeat: bool


class Seats:
    """The open connections of one kind in this process, counted by receiver."""

    def __init__(self, *, at_leisure: bool, full: Callable[[], TooMany] = TooMany) -> None:
        """`at_leisure`: how the first check of each seat is read. `full`: makes the refusal when all are taken."""
        self.taken: Counter[Receiver] = Counter()
        self._at_leisure = at_leisure
        self._full = full

    def admit(self, grant: Grant | None, *, user: str | None, most: Mapping[str, int]) -> tuple[Seat, Grant]:
        """Give a seat to the receiver of a grant, until `leave`. Return the seat and the grant.

        `user`: the user that the page names as its own, if any. `most`: how many seats a receiver may have, by kind.
        Raises SignedOut and TooMany.
        """
        if grant is None or grant.is_over or not grant.receiver.is_user(user):
            raise SignedOut
        if self.taken[grant.receiver] >= most[grant.receiver.kind]:
            raise self._full()
        self.taken[grant.receiver] += 1
        return Seat(grant, at_leisure=self._at_leisure), grant

    def leave(self, receiver: Receiver) -> None:
        """Free one of a receiver's seats."""
        self.taken[receiver] -= 1
        if not self.taken[receiver]:
            del self.taken[receiver]


class Seat:
    """What the credential of one open connection grants by the last check, and when the next check is due.

    Every instant is one of the monotonic clock, in seconds.
    """

    def __init__(self, grant: Grant, *, at_leisure: bool) -> None:
        self.receiver = grant.receiver
        self.checks = 0
        self.beats_at = math.inf  # the next heartbeat
        # Rights that are withdrawn after this grant was read, and before the hub knows the connection, are announced to
        # nobody here. So the first check is due at once, which is when the connection is with the hub.
        self._asked = True
        self._hurries = not at_leisure
        self._asks_again_at = math.inf
        self.renew(grant)

    def ask(self, *, at_leisure: bool = False) -> None:
        """Make a check due at once. A check that is asked for in a hurry and at leisure is made in a hurry."""
        self._asked = True
        self._hurries |= not at_leisure

    @property
    def wakes_at(self) -> float:
        """Return when `wake` will order a check, unless `ask` comes first."""
        return -math.inf if self._asked else min(self.beats_at, self._ends_at, self._asks_again_at)

    def wake(self, now: float) -> Check | None:
        """Return the check that is due. A grant that has ended is checked in a hurry: it may have been extended."""
        if now < self.wakes_at:
            return None
        asked, is_over = self._asked or now >= self._asks_again_at, now >= self._ends_at
        check = Check(at_leisure=not (self._hurries or is_over), is_heartbeat=not (asked or is_over))
        self._asked, self._hurries, self._asks_again_at = False, False, math.inf
        return check

    def renew(self, grant: Grant | None) -> Grant:
        """Take in and return what a check has read. Raises SignedOut when the credential is nobody's, or another's."""
        if grant is None or grant.receiver != self.receiver:
            raise SignedOut
        self.checks += 1
        self.accesses = grant.accesses()
        self._ends_at = grant.until
        return grant

    def put_off(self, check: Check, now: float) -> None:
        """Let the last grant stand after a failed check, because the database may be away.

        A check that somebody asked for, or that was due at the end of the grant, is ordered again after a second.
        """
        self._ends_at = max(self._ends_at, now + RETRY_SECONDS)
        if not check.is_heartbeat:  # a notice of changed rights comes only once
            self._asks_again_at = now + RETRY_SECONDS
