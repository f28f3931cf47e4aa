"""Defines what the hub needs of a socket, which is a WebSocket or a request that waits."""

from __future__ import annotations

from typing import Protocol

from ..access.receivers import Receiver


class Socket(Protocol):
    """One open page, as long as it is connected."""

    receiver: Receiver

    def push(self, text: str) -> None:
        """Send a frame without waiting and without raising."""

    def recheck(self, *, at_leisure: bool = False) -> None:
        """Check the rights soon. At leisure, the check shares its query with the many others that are asked for now."""
