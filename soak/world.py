"""Keeps what the writers know about the items, and chooses what they write next.

They know it from answers alone, so their knowledge is sometimes out of date.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from threading import Lock
from typing import Any, Final, Literal
from uuid import uuid4

from .seed import MONTH_START, Cast, Member

Method = Literal["PUT", "PATCH", "DELETE", "POST"]

# How many of a hundred writes are of each kind.
KINDS: Final = {
    "create": 20,
    "edit": 26,
    "move in time": 18,
    "move to another calendar": 8,
    "delete": 10,
    "restore": 8,
    "bulk edit": 5,
    "bulk delete": 2,
    "bulk restore": 3,
}
_VISIBILITIES: Final = ["normal"] * 8 + ["private", "secret"]


@dataclass(frozen=True, slots=True)
class Call:
    """A write to be made: the request, and the items that change when it succeeds."""

    kind: str
    method: Method
    calendar: str
    path: str
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    to: str | None = None


class World:
    """The items of every calendar, and the deletions that can be undone. Several threads share it."""

    def __init__(self, cast: Cast) -> None:
        self._lock = Lock()
        self._items: dict[str, dict[str, str]] = {calendar: dict(rows) for calendar, rows in cast.items.items()}
        self._deleted: dict[str, list[tuple[tuple[str, ...], str]]] = {calendar: [] for calendar in cast.items}

    def choose(self, member: Member, dice: Random) -> Call:
        """Return a member's next write, in a calendar that they may edit."""
        mine = sorted(calendar for calendar, role in member.roles.items() if role in ("owner", "editor"))
        calendar = dice.choice(mine)
        kind = dice.choices(list(KINDS), weights=list(KINDS.values()))[0]
        with self._lock:
            if kind in ("restore", "bulk restore") and not self._deleted[calendar]:
                kind = "create"
            return self._call(kind, calendar, [one for one in mine if one != calendar], dice)

    def _call(self, kind: str, calendar: str, others: list[str], dice: Random) -> Call:
        items = self._items[calendar]
        path = f"/api/calendars/{calendar}/items/"
        if kind == "create" or len(items) < 50:
            return self._create(calendar, path, dice)
        one = dice.choice(list(items))
        expects = {"If-Match": f'"{items[one]}"'} if dice.random() < 0.5 else {}
        own = f"{path}{one}/"
        match kind:
            case "edit":
                return Call(kind, "PATCH", calendar, own, _fields(dice), expects, (one,))
            case "move in time":
                return Call(kind, "PATCH", calendar, own, _times(dice), expects, (one,))
            case "delete":
                children = dice.choice(["delete", "reparent"])
                return Call(kind, "DELETE", calendar, f"{own}?children={children}", None, expects, (one,))
            case "move to another calendar":
                to = dice.choice(others)
                return Call(kind, "POST", calendar, f"{own}move/", {"calendar": to}, expects, (one,), to)
            case "restore":
                ids, state = self._deleted[calendar].pop(dice.randrange(len(self._deleted[calendar])))
                headers = {"If-Match": f'"{state}"'}
                return Call(kind, "POST", calendar, f"{path}{ids[0]}/restore/", None, headers, ids)
            case "bulk restore":
                ids, state = self._deleted[calendar].pop()
                return Call(kind, "POST", calendar, f"{path}restore/", {"ids": list(ids), "state": state}, {}, ids)
        some = tuple(dice.sample(list(items), dice.randrange(2, 20)))
        states = {item: items[item] for item in some} if dice.random() < 0.3 else {}
        if kind == "bulk delete":
            body = {"ids": list(some), "states": states}
            return Call(kind, "POST", calendar, f"{path}delete/", body, {}, some)
        changes = {item: _fields(dice) for item in some}
        return Call(kind, "POST", calendar, f"{path}edit/", {"changes": changes, "states": states}, {}, some)

    def _create(self, calendar: str, path: str, dice: Random) -> Call:
        new = str(uuid4())
        body = {"title": "New", **_times(dice), "allDay": False, "visibility": dice.choice(_VISIBILITIES)}
        if self._items[calendar] and dice.random() < 0.1:
            body["parent"] = dice.choice(list(self._items[calendar]))
        return Call("create", "PUT", calendar, f"{path}{new}/", body, {"If-None-Match": "*"}, (new,))

    def done(self, call: Call, *, states: dict[str, str]) -> None:
        """Record an acknowledged write. `states` are the new states of its calendars, and of the items it changed."""
        state = states[call.to or call.calendar]
        with self._lock:
            if call.kind in ("delete", "bulk delete"):
                for item in call.ids:
                    self._items[call.calendar].pop(item, None)
                self._deleted[call.calendar].append((call.ids, state))
                return
            if call.to is not None:
                self._items[call.calendar].pop(call.ids[0], None)
            self._items[call.to or call.calendar].update(dict.fromkeys(call.ids, state))

    def refused(self, call: Call, *, current: dict[str, Any] | None) -> None:
        """Record a refused write: somebody else was quicker. `current` is the item as it is now, if the answer says."""
        with self._lock:
            for item in call.ids:
                self._items[call.calendar].pop(item, None)
            if current is not None:
                self._items[current["calendar"]][current["id"]] = current["state"]


def _fields(dice: Random) -> dict[str, Any]:
    fields: dict[str, Any] = {"title": f"Plan {dice.randrange(10**6)}"}
    if dice.random() < 0.2:
        fields["visibility"] = dice.choice(_VISIBILITIES)
    if dice.random() < 0.3:
        fields["status"] = dice.choice(["in_progress", "blocked", "completed"])
    return fields


def _times(dice: Random) -> dict[str, Any]:
    """Return random times in the month that is shown, or a little before or after it."""
    start = MONTH_START + timedelta(minutes=15 * dice.randrange(-4 * 24 * 3, 4 * 24 * 33))
    return {"start": _text(start), "end": _text(start + timedelta(minutes=15 * dice.randrange(1, 400)))}


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
