"""What the hub needs of a socket: a WebSocket's consumer has it, and a request that waits. Does nothing itself."""

from __future__ import annotations

from typing import Protocol

from ..access.receivers import Receiver


class Socket(Protocol):
    """One open page, as long as it is connected."""

    receiver: Receiver

    def push(self, text: str) -> None:
        """Send a frame without waiting and without raising."""

    def recheck(self, *, at_leisure: bool = False) -> None:
        """Look soon at what it is still granted; at leisure: together with the many others that are asked now, too."""
