"""Chooses what people and programs do in a run.

People choose a mutation that makes sense on their screen; programs write without a screen.
"""

from __future__ import annotations

from tests.model.client import Client
from tests.model.dice import Dice
from tests.model.server import CALENDARS, PROGRAM, Server
from tests.model.values import HORIZON, Answer, Item, Kind, Request, Span, State

PENDING = State(-1, 0)  # the state of an item that an overlay shows
_ITEMS = tuple(f"i{number}" for number in range(8))
_VISIBILITY = ("normal", "normal", "private", "secret")


def span_of(dice: Dice) -> Span:
    start = dice.below(HORIZON)
    return start, start + dice.below(6)


def write_by_program(server: Server, dice: Dice, key: str) -> Request | None:
    """Return a write that a program makes through the API, or None if there is nothing to write."""
    live = [row.item for row in server.db.items.values() if row.deleted is None]
    gone = [row for row in server.db.items.values() if row.deleted is not None]
    if dice.chance(3) or not live:
        return _creation(
            PROGRAM, dice.pick(CALENDARS), live, [i for i in _ITEMS if i not in server.db.items], dice, key
        )
    if dice.chance(4) and gone:
        row = dice.pick(gone)
        return Request("restore", PROGRAM, row.item.calendar, (row.item.id,), key, row.deleted)
    return _change(PROGRAM, dice.pick(live), live, dice, key)


def act(client: Client, server: Server, dice: Dice, key: str) -> bool:
    """Let a client's user change something that they see, and show it at once. Return False if they cannot."""
    calendar = dice.pick(client.calendars)
    if client.replicas[calendar].gone or client.replicas[calendar].cursor is None:
        return False
    seen = [item for item in client.picture(calendar).values() if not item.busy]
    idle = [item for item in seen if not (client.rules.one_in_flight and client.overlays.is_busy(item.id))]
    if dice.chance(4) and client.undoable:
        request: Request | None = _undo(client, dice, key)
    elif dice.chance(3) or not idle:
        request = _creation(client.user, calendar, seen, [i for i in _ITEMS if i not in server.db.items], dice, key)
    else:
        request = _change(client.user, dice.pick(idle), idle, dice, key)
    if request is None or any(client.overlays.is_busy(i) for i in request.ids if client.rules.one_in_flight):
        return False
    client.begin(request, shown_by(client, request))
    return True


def remember(client: Client, request: Request, answer: Answer) -> None:
    """Offer Undo for an answered delete, as the page does."""
    if answer.status == 200 and request.kind in ("delete", "bulk"):
        client.undoable = [*client.undoable[-2:], (request, answer)]


def shown_by(client: Client, request: Request) -> dict[tuple[str, str], Item | None]:
    """Return the immediate effect of a mutation on the picture: (calendar, item id) -> the item, or None if it goes."""
    calendar, kind = request.calendar, request.kind
    picture = client.picture(calendar)
    if kind in ("delete", "bulk"):
        return {(calendar, item): None for item in request.ids}
    start, end = request.span
    blank = Item(request.ids[0], calendar, PENDING, start, end, request.key, request.visibility)
    if kind == "move":
        there = picture.get(request.ids[0], blank)._replace(calendar=request.target, state=PENDING)
        return {(calendar, request.ids[0]): None, (request.target, request.ids[0]): there}
    return {(calendar, item): blank._replace(id=item) for item in request.ids}


def _creation(user: str, calendar: str, seen: list[Item], free: list[str], dice: Dice, key: str) -> Request | None:
    if not free:
        return None
    ids = tuple(free[: 1 + (dice.below(7) if dice.chance(5) else 0)])
    parents = [item.id for item in seen if item.calendar == calendar]
    parent = dice.pick(parents) if parents and dice.chance(3) else None
    return Request("create", user, calendar, ids, key, None, span_of(dice), dice.pick(_VISIBILITY), parent)


def _undo(client: Client, dice: Dice, key: str) -> Request:
    request, answer = dice.pick(client.undoable)
    state = dict(answer.states)[request.calendar]
    return Request("restore", client.user, request.calendar, request.ids[:1], key, state)


def _change(user: str, item: Item, others: list[Item], dice: Dice, key: str) -> Request:
    kinds: tuple[Kind, ...] = ("edit", "edit", "edit", "delete", "delete", "move", "bulk")
    kind = dice.pick(kinds)
    if kind == "bulk":
        ids = [one.id for one in others if one.calendar == item.calendar and (one is item or dice.chance(2))]
        return Request("bulk", user, item.calendar, tuple(ids), key)
    expected = item.state if item.state != PENDING and not dice.chance(3) else None
    target = CALENDARS[1 - CALENDARS.index(item.calendar)] if kind == "move" else ""
    made = Request(kind, user, item.calendar, (item.id,), key, expected, span_of(dice), target=target)
    return made._replace(visibility=dice.pick(_VISIBILITY), children="reparent" if dice.chance(2) else "delete")
