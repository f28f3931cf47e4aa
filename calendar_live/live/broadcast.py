"""Announces change sets and changed rights over the channel layer: at once, bounded, and never at the expense of who made the change."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypedDict, TypeVar

from asgiref.sync import async_to_sync
from channels.layers import BaseChannelLayer, InMemoryChannelLayer, get_channel_layer
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_save
from django.http import HttpRequest
from prometheus_client import Counter

from .. import conf
from ..access import receiver_of, rights_changed
from ..breaker import Breaker
from ..changelog import change_committed, push_bytes, read_entry
from ..protocol.changes import Actor, ChangeSet
from ..protocol.state import State
from .untold import AT_ONCE, Untold

logger = logging.getLogger(__name__)

broadcasts = Counter("calendar_live_broadcasts_total", "Change sets and word of rights, told to the layer.", ["result"])

MESSAGE_TYPE: Final = "calendar.changes"
RIGHTS_TYPE: Final = "receiver.rights"
RECONNECT_TYPE: Final = "control.reconnect"
ECHO_TYPE: Final = "listener.echo"
# The group of what concerns every socket of every process.
CONTROL_GROUP: Final = "control"
# The group that nobody listens to.
NOBODYS_GROUP: Final = "nobody"

T = TypeVar("T")


class Message(TypedDict):
    """A change set on the channel layer. Only plain values, because layers encode with msgpack."""

    type: str
    calendar: str
    old: str
    new: str
    entries: list[list[str | None]] | None
    actor: list[str] | None
    mutation_id: str | None


def group_of(calendar: str) -> str:
    """Return the Channels group of a calendar."""
    return f"calendar.{calendar}"


def encode(change_set: ChangeSet) -> Message:
    """Return the message of a change set: whole, or only its two states when it is large."""
    entries = change_set.entries
    if entries is not None and push_bytes(entries) > conf.app.MAX_BROADCAST_BYTES:
        entries = None
    return {
        "type": MESSAGE_TYPE,
        "calendar": change_set.calendar,
        "old": str(change_set.old),
        "new": str(change_set.new),
        "entries": None if entries is None else [[entry.item, entry.wire, entry.visibility] for entry in entries],
        "actor": None if change_set.actor is None else [change_set.actor.id, change_set.actor.name],
        "mutation_id": change_set.mutation_id,
    }


def decode(message: Mapping[str, Any]) -> ChangeSet:
    """Return the change set of a message of this version's own making."""
    entries = message["entries"]
    return ChangeSet(
        calendar=message["calendar"],
        old=State.parse(message["old"]),
        new=State.parse(message["new"]),
        entries=None
        if entries is None
        else tuple(
            read_entry(str(item), wire, str(visibility), calendar=message["calendar"])
            for item, wire, visibility in entries
        ),
        actor=None if message["actor"] is None else Actor(*message["actor"]),
        mutation_id=message["mutation_id"],
    )


breaker = Breaker()


def send(*, change_set: ChangeSet, **_: Any) -> None:
    """Send a change set to its group. A failure is made good by the hubs' look at the heads (invariant 5)."""
    _guarded(_send, change_set, f"A change set of calendar {change_set.calendar} was not broadcast")


def _guarded(send_it: Callable[[T], Awaitable[None]], what: T, complaint: str) -> bool:
    """Send within a bound, and say whether it went; a failure is logged, keeps the next ones short, and never fails who made the change."""
    if breaker.is_open(time.monotonic()):
        broadcasts.labels("paused").inc()
        return False
    try:
        async_to_sync(send_it)(what)
    except (
        Exception
    ) as failure:  # whatever the layer's client raises: the change is committed, and its maker must not be failed
        broadcasts.labels("failed").inc()
        if breaker.trip(time.monotonic(), conf.app.BROADCAST_PAUSE_SECONDS):
            logger.warning("%s: %s: %s", complaint, type(failure).__name__, failure)
        return False
    broadcasts.labels("sent").inc()
    return True


async def _send(change_set: ChangeSet) -> None:
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is not None:
        async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
            await layer.group_send(group_of(change_set.calendar), encode(change_set))


def layer_answers() -> bool | None:
    """Whether the channel layer takes a message just now, within the bound of a broadcast; None if it is this process's own memory."""
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return None
    try:
        async_to_sync(_send_to_nobody)(layer)
    except Exception:  # whatever the layer's client raises
        return False
    return True


async def _send_to_nobody(layer: BaseChannelLayer) -> None:
    async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
        await layer.group_send(NOBODYS_GROUP, {"type": RECONNECT_TYPE})


def send_rights(*, receivers: Iterable[str], **_: Any) -> None:
    """Tell every process that receivers, by their keys, see other calendars than before. A thread tells what fails and the rest of many."""
    left = list(receivers)
    deadline = time.monotonic() + conf.app.BROADCAST_TIMEOUT_SECONDS
    while left and time.monotonic() < deadline:
        if not _guarded(_send_rights, left[:AT_ONCE], "The new rights of some receivers were not broadcast"):
            break
        del left[:AT_ONCE]
    if left:
        untold.add(left)


async def _send_rights(receivers: list[str]) -> None:
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is not None:
        async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
            for receiver in receivers:
                await layer.group_send(receiver, {"type": RIGHTS_TYPE, "receiver": receiver})


untold = Untold(_send_rights)


def send_reconnect(*, spread_ms: int) -> None:
    """Have every open page of every process connect anew, spread over a time. Raises what the layer's client raises."""
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is not None:
        async_to_sync(layer.group_send)(CONTROL_GROUP, {"type": RECONNECT_TYPE, "spread_ms": spread_ms})


async def send_echo(channel: str, *, number: int, group: str | None = None) -> None:
    """Send a word to a channel, by way of a group where one is given, to hear whether it comes. Raises what the layer's client raises."""
    layer = get_channel_layer(conf.app.CHANNEL_LAYER)
    if layer is None:
        return
    echo = {"type": ECHO_TYPE, "channel": channel, "group": group, "number": number}
    async with asyncio.timeout(conf.app.BROADCAST_TIMEOUT_SECONDS):
        await (layer.send(channel, echo) if group is None else layer.group_send(group, echo))


rights_changed.connect(send_rights, dispatch_uid="calendar_live.live.broadcast.rights")
change_committed.connect(send, dispatch_uid="calendar_live.live.broadcast")  # imported by apps.py


def send_sign_out(*, request: HttpRequest, user: AbstractBaseUser | None, **_: Any) -> None:
    """Have a user's sockets looked at when one of their sessions has ended; Django tells a moment before it deletes it."""
    if user is None:
        return
    flush, told = request.session.flush, [str(receiver_of(user))]

    def flush_and_tell() -> None:
        flush()
        transaction.on_commit(lambda: send_rights(receivers=told), robust=True)

    request.session.flush = flush_and_tell  # type: ignore[method-assign]  # of this one request


def send_account(*, instance: AbstractBaseUser, created: bool, update_fields: Collection[str] | None, **_: Any) -> None:
    """Have a user's sockets looked at when their account was changed: another password or no activity ends their sessions."""
    if not created and (update_fields is None or set(update_fields) != {"last_login"}):
        told = [str(receiver_of(instance))]
        transaction.on_commit(lambda: send_rights(receivers=told), robust=True)


user_logged_out.connect(send_sign_out, dispatch_uid="calendar_live.live.broadcast.sign_out")
post_save.connect(send_account, sender=get_user_model(), dispatch_uid="calendar_live.live.broadcast.account")
