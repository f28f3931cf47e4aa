"""Implements the rules of ranges and rights a second time, in another way than the app, for tests that compare both."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from calendar_live.protocol.changes import ChangeSet, Entry
from calendar_live.protocol.fields import NEUTRAL


def instant(text: str) -> datetime:
    """Return the instant of a wire's start or end. A date stands for its midnight in UTC."""
    return datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00Z").astimezone(UTC)


def in_range(wire: str, start: datetime, end: datetime) -> bool:
    """Whether an item is in a half-open range: it starts in the range, or it starts earlier and ends after that start.

    An item without length is in the range only if it starts there.
    """
    item = orjson.loads(wire)
    begins, ends = instant(item["start"]), instant(item["end"])
    return start <= begins < end or begins < start < ends


def seen(entry: Entry, rights: str) -> str | None:
    """Return the wire of an upserted item as a rights class reads it, or None if it reads nothing."""
    if rights == "full":
        return entry.wire
    if entry.visibility in ("secret", "hidden") or entry.wire is None:  # hidden: the item became secret in that change
        return None
    whole: dict[str, Any] = orjson.loads(entry.wire)
    if rights != "freebusy" and entry.visibility == "normal":
        whole.pop("parent", None)
        if rights == "public":
            whole = {name: value for name, value in whole.items() if name in NEUTRAL} | {"assignees": []}
            for name in ("createdBy", "updatedBy"):
                whole.pop(name, None)
        return orjson.dumps(whole).decode()
    names = ("id", "calendar", "state", "start", "end", "allDay", "timeZone", "exdates")
    return orjson.dumps({name: whole[name] for name in names} | {"title": "Busy", "busy": True}).decode()


def fold(change_sets: Iterable[ChangeSet]) -> dict[str, Entry]:
    """Return the items that exist after these change sets, by id. The first follows the calendar's beginning."""
    items: dict[str, Entry] = {}
    for change_set in change_sets:
        for entry in change_set.entries or ():
            if entry.wire is None:
                items.pop(entry.item, None)
            else:
                items[entry.item] = entry
    return items


def feed_body(items: dict[str, Entry], start: datetime, end: datetime, rights: str) -> bytes:
    """Return the exact bytes of a feed of these items."""
    wires = [
        text
        for _, entry in sorted(items.items())
        if entry.wire is not None and in_range(entry.wire, start, end) and (text := seen(entry, rights)) is not None
    ]
    return ("[" + ",".join(wires) + "]").encode()
