"""Keeps the last deliveries of one calendar, to replay them without the database."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from .. import conf
from ..protocol.changes import ChangeSet, Entry
from ..protocol.rights import Rights
from ..protocol.state import State

# For each calendar: enough for a page that was away for a moment, or that polls. The frames of each rights class are
# kept as well, so up to five times as many bytes.
_MOST_SETS: Final = 64
_MOST_BYTES: Final = 64_000
KEPT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Delivery:
    """A change set on its way to receivers, with its encoded frames by rights class (None: too large to send)."""

    change_set: ChangeSet
    encoded: dict[Rights, list[str] | None] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)


class Recent:
    """The newest change sets of a calendar, of one history and without a gap, within the limits of a replay."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Delivery, int]] = deque()  # with their bytes
        self._bytes = 0

    def add(self, change_set: ChangeSet) -> Delivery:
        """Keep a change set that is delivered now, and return its delivery."""
        if self._kept and self._kept[-1][0].change_set.new != change_set.old:
            self.forget()
        delivery = Delivery(change_set)
        size = sum(_bytes_of(entry) for entry in change_set.entries or ())
        self._kept.append((delivery, size))
        self._bytes += size
        most_sets = min(_MOST_SETS, conf.app.MAX_REPLAY_SETS)
        most_bytes = min(_MOST_BYTES, conf.app.MAX_REPLAY_BYTES)
        while len(self._kept) > most_sets or self._bytes > most_bytes:
            self._forget_oldest()
        return delivery

    def forget_older_than(self, at: float) -> None:
        """Forget what was delivered before an instant of the monotonic clock."""
        while self._kept and self._kept[0][0].at < at:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._bytes -= self._kept.popleft()[1]

    def forget(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def since(self, state: State) -> list[Delivery] | None:
        """Return what was delivered after a state, oldest first; None when the state is not among what is kept."""
        found: deque[Delivery] = deque()
        for delivery, _ in reversed(self._kept):
            found.appendleft(delivery)
            if delivery.change_set.old == state:
                return list(found)
        return None


def _bytes_of(entry: Entry) -> int:
    return len(entry.item) + (0 if entry.wire is None else len(entry.wire.encode()))
