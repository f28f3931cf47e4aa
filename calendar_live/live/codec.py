"""Translates between change sets and the messages of the channel layer, and names the layer's groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from .. import conf
from ..changelog import push_bytes, read_entry
from ..protocol.changes import Actor, ChangeSet
from ..protocol.state import State

MESSAGE_TYPE: Final = "calendar.changes"
RIGHTS_TYPE: Final = "receiver.rights"
RECONNECT_TYPE: Final = "control.reconnect"
ECHO_TYPE: Final = "listener.echo"
# The group of messages for every socket of every process.
CONTROL_GROUP: Final = "control"


class Message(TypedDict):
    """A change set on the channel layer. It holds plain values only, because layers encode with msgpack."""

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
    """Return the message of a change set: all of it, or only its two states when it is large."""
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
    """Return the change set of a message that this version of the app has made."""
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
