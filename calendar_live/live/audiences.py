"""Keeps the sockets of each receiver, and joins the receiver's group of the channel layer while it has any."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ..protocol import frames
from .listener import Listener
from .sockets import Socket


@dataclass(eq=False)
class _Audience:
    """One receiver's sockets here.

    `lock` keeps the last socket from leaving the group while another socket enters and relies on it.
    """

    sockets: set[Socket] = field(default_factory=set)
    heard: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Audiences:
    """All sockets of one event loop, by receiver.

    A receiver's group of the layer is joined for its first socket, and left after its last.
    """

    def __init__(self, listener: Listener) -> None:
        self.of: dict[str, _Audience] = {}  # by the receiver's key
        self._listener = listener
        self._order_to_leave: str | None = None

    async def enter(self, socket: Socket) -> None:
        """Add a socket. From now on it hears what concerns its receiver."""
        key = str(socket.receiver)
        audience = self.of.setdefault(key, _Audience())
        audience.sockets.add(socket)
        async with audience.lock:
            if not audience.heard:
                await self._listener.join(key)
                audience.heard = True

    async def leave(self, socket: Socket) -> None:
        """Forget a socket."""
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
        """Have the sockets of a receiver check their rights, if it has any here."""
        for socket in list(self.of.get(key, _Audience()).sockets):
            socket.recheck(at_leisure=at_leisure)

    def send_away(self, *, spread_ms: int) -> None:
        """Tell every socket to reconnect: to a server that has just joined, or because this one is about to stop."""
        order = frames.reconnect(spread_ms=spread_ms)
        for audience in list(self.of.values()):
            for socket in list(audience.sockets):
                socket.push(order)

    def end(self, *, spread_ms: int) -> None:
        """Tell every socket to reconnect, and later each one that still comes: this process stops."""
        self._order_to_leave = frames.reconnect(spread_ms=spread_ms)
        self.send_away(spread_ms=spread_ms)

    def see_off(self, socket: Socket) -> None:
        """Tell a socket that was greeted while this process stops to reconnect."""
        if self._order_to_leave is not None:
            socket.push(self._order_to_leave)
