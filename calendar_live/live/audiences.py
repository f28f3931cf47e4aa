"""The sockets of one process by their receivers: who has one here is heard of, and told what concerns them. Knows no calendar."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ..protocol import frames
from .listener import Listener
from .sockets import Socket


@dataclass(eq=False)
class _Audience:
    """One receiver's sockets here. `lock`: who leaves must not part from the group that who enters meanwhile relies on."""

    sockets: set[Socket] = field(default_factory=set)
    heard: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Audiences:
    """All sockets of one event loop; a receiver's group of the layer is joined with their first and parted from with their last."""

    def __init__(self, listener: Listener) -> None:
        self.of: dict[str, _Audience] = {}  # by the receiver's key
        self._listener = listener
        self._order_to_leave: str | None = None

    async def enter(self, socket: Socket) -> None:
        """Take in a socket: from now on it hears what concerns its receiver."""
        key = str(socket.receiver)
        audience = self.of.setdefault(key, _Audience())
        audience.sockets.add(socket)
        async with audience.lock:
            if not audience.heard:
                await self._listener.join(key)
                audience.heard = True

    async def leave(self, socket: Socket) -> None:
        """Let go of a socket."""
        key = str(socket.receiver)
        audience = self.of.get(key, _Audience())
        audience.sockets.discard(socket)
        async with audience.lock:
            if not audience.sockets and audience.heard:
                audience.heard = False
                await self._listener.part(key)
            if not audience.sockets and self.of.get(key) is audience:
                del self.of[key]

    def recheck(self, key: str, *, at_leisure: bool = False) -> None:
        """Have a receiver's sockets, if it has any here, look at what they are still granted."""
        for socket in list(self.of.get(key, _Audience()).sockets):
            socket.recheck(at_leisure=at_leisure)

    def send_away(self, *, spread_ms: int) -> None:
        """Have every socket connect anew: to a server that has just joined, or before this one goes."""
        order = frames.reconnect(spread_ms=spread_ms)
        for audience in list(self.of.values()):
            for socket in list(audience.sockets):
                socket.push(order)

    def end(self, *, spread_ms: int) -> None:
        """Have every socket connect anew, and those that still come: this process stops."""
        self._order_to_leave = frames.reconnect(spread_ms=spread_ms)
        self.send_away(spread_ms=spread_ms)

    def see_off(self, socket: Socket) -> None:
        """Send a socket away again that was greeted while this process is stopping."""
        if self._order_to_leave is not None:
            socket.push(self._order_to_leave)
