"""Parses the WebSocket frames of clients, and encodes those of the server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson

from ..errors import Malformed
from .changes import Actor, ChangeSet, seen_by
from .rights import Access, Rights
from .state import State

PROTOCOL: Final = 2
# One frame of a long change set. It is small enough to interleave with frames of other calendars.
CHUNK_BYTES: Final = 64 * 1024
BULK_BYTES: Final = 512 * 1024
BULK_ENTRIES: Final = 10_000

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_MAX_ID: Final = 2**53 - 1  # JavaScript's largest exact integer


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for a calendar's changes after `state` (None: from now on).

    `access` is the access that the client's picture was made with.
    """

    id: int
    calendar: str
    state: State | None
    access: Access | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    calendar: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The client's answer to `head`: it is alive, and `states` are its cursors. Only their shape is checked."""

    states: Mapping[str, State]


@dataclass(frozen=True, slots=True)
class Ping:
    pass


ClientFrame = Subscribe | Unsubscribe | Ack | Ping

_FIELDS: Final[dict[str, frozenset[str]]] = {
    "subscribe": frozenset({"type", "id", "calendar", "state", "access"}),
    "unsubscribe": frozenset({"type", "calendar"}),
    "ack": frozenset({"type", "states"}),
    "ping": frozenset({"type"}),
}


def parse(text: str) -> ClientFrame:
    """Return the frame that a client sent. Raises Malformed, naming the field. Unknown types and fields are refused."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed("frame_not_json") from error
    return read(frame)


def read(frame: object) -> ClientFrame:
    """Return the frame that was parsed from JSON. Raises Malformed, as `parse` does."""
    if not isinstance(frame, dict):
        raise Malformed("frame_not_object")
    kind = frame.get("type")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise Malformed("frame_type", given=str(kind)[:40])
    if frame.keys() != _FIELDS[kind]:
        wrong = sorted(frame.keys() ^ _FIELDS[kind])
        raise Malformed("frame_field", field=wrong[0][:40], type=kind)
    match kind:
        case "subscribe":
            return _subscribe(frame)
        case "unsubscribe":
            return Unsubscribe(_calendar(frame["calendar"]))
        case "ack":
            return _ack(frame)
        case _:
            return Ping()


def _subscribe(frame: dict[str, Any]) -> Subscribe:
    number, state, access = frame["id"], frame["state"], frame["access"]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MAX_ID:
        raise Malformed("not_frame_id")
    return Subscribe(
        id=number,
        calendar=_calendar(frame["calendar"]),
        state=None if state is None else State.parse(_text(state, "state")),
        access=None if access is None else Access.parse(_text(access, "access")),
    )


def _ack(frame: dict[str, Any]) -> Ack:
    states = frame["states"]
    if not isinstance(states, dict):
        raise Malformed("not_states")
    return Ack({_calendar(calendar): State.parse(_text(state, "states")) for calendar, state in states.items()})


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise Malformed("field_not_text", field=field)
    return value


def _calendar(value: object) -> str:
    if not isinstance(value, str) or _UUID.match(value) is None:
        raise Malformed("not_lower_uuid")
    return value


def _dump(frame: Mapping[str, object]) -> str:
    return orjson.dumps(frame).decode()


def hello(*, heartbeat_seconds: int) -> str:
    """Return the first frame of a socket."""
    return _dump({"type": "hello", "protocol": PROTOCOL, "heartbeatSeconds": heartbeat_seconds})


def subscribed(*, id: int, calendar: str, state: State, access: Access) -> str:
    """Return the frame that ends a subscription's replay. From `state` on, the calendar is live."""
    return _dump(
        {"type": "subscribed", "id": id, "calendar": calendar, "state": str(state), "access": str(access)},
    )


def head(states: Mapping[str, State]) -> str:
    """Return the heartbeat: the state that each of this socket's calendars has reached."""
    return _dump({"type": "head", "states": {calendar: str(state) for calendar, state in states.items()}})


def reset(*, calendar: str, reason: str, spread_ms: int) -> str:
    """Return the order to start over, within a random part of `spread_ms`.

    `reason`: `pruned`, `diverged`, `bulk` or `rights`.
    """
    return _dump({"type": "reset", "calendar": calendar, "reason": reason, "spreadMs": spread_ms})


def calendar(described: Mapping[str, object]) -> str:
    """Return a calendar as this receiver sees it now, because it was created or shared, or because the view changed."""
    return _dump({"type": "calendar", "calendar": described})


def rights_withdrawn(*, calendar: str) -> str:
    """Return the order to drop a calendar and all its items at once."""
    return _dump({"type": "rights", "calendar": calendar, "rights": None})


def reconnect(*, spread_ms: int) -> str:
    """Return the order to reconnect, within a random part of `spread_ms`."""
    return _dump({"type": "reconnect", "spreadMs": spread_ms})


def pong() -> str:
    """Return the answer to a ping."""
    return _dump({"type": "pong"})


def error(code: str, detail: str, *, id: int | None = None) -> str:
    """Return a failure, with the id of the subscribe that it answers (None: the frame could not be read)."""
    return _dump({"type": "error", "id": id, "code": code, "detail": detail})


def changes(change_set: ChangeSet, rights: Rights) -> list[str] | None:
    """Return a change set's frames for one rights class: chunks of at most 64 kB, or None if it is too large to push.

    A set without entries is too large according to the log. A set of which the receiver may see nothing becomes one
    empty frame that names nobody, so that the receiver's chain has no gap.
    """
    if change_set.entries is None or len(change_set.entries) > BULK_ENTRIES:
        return None
    seen = seen_by(change_set.entries, rights)
    parts: list[tuple[int, str | None, str | None]] = [(len(wire.encode()), wire, None) for wire in seen.upserted]
    parts += [(len(item) + 3, None, item) for item in seen.destroyed]
    if sum(size for size, _, _ in parts) > BULK_BYTES:
        return None
    chunks: list[tuple[list[str], list[str]]] = [([], [])]
    filled = 0
    for size, wire, item in parts:
        size += len(",")
        if filled and filled + size > CHUNK_BYTES - 2048:  # 2 kB are left for the frame's own fields and a long name
            chunks.append(([], []))
            filled = 0
        if wire is not None:
            chunks[-1][0].append(wire)
        if item is not None:
            chunks[-1][1].append(item)
        filled += size
    if not parts and rights != "full":  # the users who work on secret items are secret, too
        change_set = replace(change_set, actor=None, mutation_id=None)
    actor = change_set.actor if rights in ("full", "shared") else None  # other receivers learn nothing about people
    return [
        _changes(change_set, *chunk, actor=actor, more=index + 1 < len(chunks)) for index, chunk in enumerate(chunks)
    ]


def _changes(
    change_set: ChangeSet, upserted: Iterable[str], destroyed: list[str], *, actor: Actor | None, more: bool
) -> str:
    return _dump(
        {
            "type": "changes",
            "calendar": change_set.calendar,
            "oldState": str(change_set.old),
            "newState": str(change_set.new),
            "more": more,
            "upserted": [orjson.Fragment(wire) for wire in upserted],
            "destroyed": destroyed,
            "actor": _actor(actor),
            "mutationId": change_set.mutation_id,
            **({} if change_set.until is None else {"until": str(change_set.until)}),
        },
    )


def _actor(actor: Actor | None) -> dict[str, str] | None:
    return None if actor is None else {"id": actor.id, "name": actor.name}
