"""Receives the messages of some groups of the channel layer, and connects again when no more messages arrive."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from channels.layers import channel_layers, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import decode_hosts

from .. import conf
from . import codec, probes

logger = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 1.0
_JOIN_SECONDS: Final = 0.25  # a page that opens waits no longer for a broker that hangs
_ECHO_SECONDS: Final = 1.0
_LOST_ECHOES: Final = 2  # in a row; one may still be under way after the process was suspended
_ECHOES_AT_ONCE: Final = 10
_FIRST_PAUSE_SECONDS: Final = 0.01
# When the kernel has given up on a connection (ETIMEDOUT), the layer asks it for messages in a loop that never waits.
# That blocks the event loop until a ping is due, which finds the connection dead.
_PING_SECONDS: Final = 1

Message = Mapping[str, Any]


class DeafError(Exception):
    """The layer took messages that this process sent to itself, but did not deliver them."""


class Listener:
    """Some groups of the layer, heard on one channel by one event loop. A supervisor runs `listen` and `rejoin`."""

    def __init__(self, take: Callable[[Message], Awaitable[None]], regained: Callable[[str], None]) -> None:
        """`take` gets each message; `regained`, each group that is joined again after messages may have been lost."""
        self.unheard = {codec.CONTROL_GROUP}  # groups that are still to be joined
        self._groups = {codec.CONTROL_GROUP}  # these, and the groups that were joined
        self._take = take
        self._regained = regained
        self._alias = conf.app.CHANNEL_LAYER
        self._layer = _layer_for_listening(self._alias)
        self._name: str | None = None
        self._naming = asyncio.Lock()
        self._deaf_until = 0.0  # after a failure of the layer, no `join` waits for it until then
        self._taking = False  # `take` is running; it may wait for the database
        self._number = 0
        self._unanswered = 0  # echoes to our own channel that did not come back yet
        self._heard: int | None = None  # the number of the last echo that came back
        self._doubted: dict[str, int | None] = {}  # groups, with the number of the first echo that was sent there

    # --- groups --------------------------------------------------------------------------------------------------

    async def join(self, group: str) -> None:
        """Join a group. While the broker is away, the head check finds changes, and `rejoin` joins the group later."""
        self._groups.add(group)
        if self._layer is None:
            return
        self.unheard.add(group)
        if time.monotonic() >= self._deaf_until:
            await self._try_to_join(group, seconds=_JOIN_SECONDS)

    async def part(self, group: str) -> None:
        """Leave a group."""
        self._groups.discard(group)
        self.unheard.discard(group)
        self._doubted.pop(group, None)
        if self._layer is not None and self._name is not None:
            with contextlib.suppress(Exception):  # a dead broker has forgotten the group anyway
                await asyncio.wait_for(self._layer.group_discard(group, self._name), _RETRY_SECONDS)

    def doubt(self, group: str) -> None:
        """Find out whether a group that has missed something is still heard: join it again, and send it an echo."""
        self.unheard.add(group)
        self._doubted.setdefault(group, None)

    async def rejoin(self) -> None:
        """Join what could not be joined. This is a task of its own: the head check must not wait for a broker."""
        while True:
            await asyncio.sleep(_RETRY_SECONDS)
            for group in list(self.unheard):
                if group not in self.unheard:
                    continue  # the hub has left it meanwhile; if it were joined again, it would never be left
                if not await self._try_to_join(group, seconds=_RETRY_SECONDS):
                    break
                self._regained(group)

    async def _try_to_join(self, group: str, *, seconds: float) -> bool:
        layer = self._layer
        try:
            async with asyncio.timeout(seconds):
                name = await self._name_on(layer)
                await layer.group_add(group, name)
        except Exception as failure:  # the layer's own client errors
            if not self._deaf_until:
                logger.warning(
                    "The channel layer failed; head checks serve meanwhile: %s: %s", type(failure).__name__, failure
                )
            self._deaf_until = time.monotonic() + _RETRY_SECONDS
            return False
        if name != self._name:
            return False  # the listener has begun again meanwhile, and does not read this channel any more
        self.unheard.discard(group)
        if self._deaf_until:
            self._deaf_until = 0.0
            logger.warning("The channel layer is back.")
        return True

    async def _name_on(self, layer: Any) -> str:
        async with self._naming:  # several sockets may open first, but only one channel is read
            if self._name is None:
                name = await layer.new_channel()
                if layer is not self._layer:
                    raise DeafError("This layer was given up meanwhile")
                self._name = str(name)
            return self._name

    # --- messages ------------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Receive messages. Raises DeafError when the layer delivers no more. The next run has a new connection."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._hear()), loop.create_task(self._try_ears())]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await self._begin_anew()

    async def _begin_anew(self) -> None:
        old, self._layer = self._layer, _layer_for_listening(self._alias)
        self._name, self._unanswered, self._heard = None, 0, None
        self._doubted.clear()
        if old is not None:
            self.unheard |= self._groups
        if isinstance(old, RedisPubSubChannelLayer):
            with contextlib.suppress(Exception):  # the old layer is given up anyway
                await asyncio.wait_for(_let_go(old), _RETRY_SECONDS)

    async def _hear(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._hear_one()
                pause = _FIRST_PAUSE_SECONDS
            except DeafError:
                raise
            except Exception:  # the next message is heard, whatever this one did
                logger.exception("The hub could not take a message")
                await asyncio.sleep(pause)  # a layer that fails every time must not keep the event loop busy
                pause = min(2 * pause, _RETRY_SECONDS)

    async def _hear_one(self) -> None:
        if self._layer is None or self._name is None:
            await asyncio.sleep(_RETRY_SECONDS / 10)  # there is no channel until the first `join`
            return
        message = await self._layer.receive(self._name)
        self._taking = True
        try:
            if message.get("type") == codec.ECHO_TYPE:
                self._hear_echo(message)
            else:
                await self._take(message)
        finally:
            self._taking = False

    # --- echoes --------------------------------------------------------------------------------------------------

    def _hear_echo(self, message: Message) -> None:
        if message["channel"] != self._name:
            return  # an echo of another process
        if message["group"] is not None:
            self._doubted.pop(message["group"], None)
            return
        self._unanswered = 0
        if self._heard is not None and message["number"] != self._heard + 1:
            self.unheard |= self._groups  # messages may have been lost with the echo
        self._heard = message["number"]
        for group, number in self._doubted.items():
            if number is not None and number < message["number"]:
                raise DeafError(f"Nothing comes from {group}")

    async def _try_ears(self) -> None:
        """Send echoes every second. A layer may lose connections and subscriptions without an error, some for good."""
        while True:
            await asyncio.sleep(_ECHO_SECONDS)
            if self._name is None or self._taking:
                continue  # nothing is joined yet, or a message is being handled and the echoes wait behind it
            if self._unanswered >= _LOST_ECHOES:
                raise DeafError("Nothing comes from the channel layer")
            try:
                await self._send_echoes(self._name)
            except Exception:  # the broker is away; this says nothing about what is heard
                self._unanswered = 0
                self._doubted = dict.fromkeys(self._doubted)

    async def _send_echoes(self, name: str) -> None:
        self._number += 1
        for group in [group for group in self._doubted if group not in self.unheard][:_ECHOES_AT_ONCE]:
            if self._doubted[group] is None:
                self._doubted[group] = self._number
            await probes.send_echo(name, number=self._number, group=group)
        self._unanswered += 1  # counted first: the echo may be back before `send_echo` returns
        await probes.send_echo(name, number=self._number)


def _layer_for_listening(alias: str) -> Any:
    """Return the layer to listen on: for Redis's pub/sub a separate one, which can be replaced; else the shared one."""
    shared = get_channel_layer(alias)
    if not isinstance(shared, RedisPubSubChannelLayer):
        return shared
    config = channel_layers.configs[alias].get("CONFIG", {})
    hosts = [{"health_check_interval": _PING_SECONDS, **host} for host in decode_hosts(config.get("hosts"))]
    return type(shared)(**{**config, "hosts": hosts})


async def _let_go(layer: Any) -> None:
    """Close a layer's connections. Failed tasks are removed first, because they would make its `flush` fail."""
    for shard in layer._shards:
        if shard._receive_task is not None and shard._receive_task.done():
            shard._receive_task = None
    await layer.flush()
