"""What was delivered of one calendar last, to be sent again to those who come back. Never keeps more than a little, nor two histories."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from ..protocol.changes import ChangeSet
from ..protocol.rights import Rights
from ..protocol.state import State

# Of each calendar: who was away for a moment, or asks anew after each change, is answered without the database.
_MOST_SETS: Final = 64
_MOST_CHARACTERS: Final = 64_000
KEPT_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Delivery:
    """A change set on its way to receivers, and its frames by rights class, once they are encoded (None: too many)."""

    change_set: ChangeSet
    encoded: dict[Rights, list[str] | None] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)

    @property
    def characters(self) -> int:
        return sum(len(entry.wire or "") for entry in self.change_set.entries or ())


class Recent:
    """The newest change sets of a calendar without a gap."""

    def __init__(self) -> None:
        self._kept: deque[Delivery] = deque()
        self._characters = 0

    def add(self, change_set: ChangeSet) -> Delivery:
        """Keep what is delivered now, and return it as a delivery."""
        if self._kept and self._kept[-1].change_set.new != change_set.old:
            self.forget()
        delivery = Delivery(change_set)
        self._kept.append(delivery)
        self._characters += delivery.characters
        while len(self._kept) > _MOST_SETS or self._characters > _MOST_CHARACTERS:
            self._forget_oldest()
        return delivery

    def forget_older_than(self, at: float) -> None:
        """Let go of what was delivered before an instant of the monotonic clock."""
        while self._kept and self._kept[0].at < at:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._characters -= self._kept.popleft().characters

    def forget(self) -> None:
        self._kept.clear()
        self._characters = 0

    def since(self, state: State) -> list[Delivery] | None:
        """Return what was delivered after a state, oldest first; None when that is not known."""
        found: deque[Delivery] = deque()
        for delivery in reversed(self._kept):
            found.appendleft(delivery)
            if delivery.change_set.old == state:
                return list(found)
        return None
