"""Models the services, which are the only writers.

A service plans under the locks of its calendars, and then writes one change set per calendar, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.model.database import CalendarRow, Database, LogRow, Row
from tests.model.history import History
from tests.model.rules import Rules
from tests.model.values import Answer, ChangeSet, Entry, Item, Request, State

# calendar -> item id -> the item as it will be (its state is set at the commit), or None if it is removed
Plan = dict[str, dict[str, Item | None]]


class Refusal(Exception):
    """Raised for a request that changes nothing. The argument is its HTTP status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class Services:
    """The writers of a database. `nonces` yields the random bits of states."""

    rules: Rules
    history: History
    nonces: Iterator[int]

    def open_calendar(self, db: Database, calendar: str) -> None:
        """Insert a calendar with its first log row, so that every state of it can be verified."""
        state = State(0, next(self.nonces))
        log = (LogRow(state, (), "", None),) if self.rules.first_log_row else ()
        db.calendars[calendar] = CalendarRow(state, log)
        self.history.begin(calendar, state)

    def write(self, db: Database, request: Request, planned: Plan | None = None) -> tuple[Answer, list[ChangeSet]]:
        """Do a request in one transaction. `planned` is a plan that was made before the lock (an ablation)."""
        first = self._first_answer(db, request)
        if first is not None:
            return first, []
        try:
            plan = self.plan(db, request) if planned is None else planned
        except Refusal as refusal:
            self._refuse(db, request)
            return Answer(refusal.status), []
        return self._commit(db, request, plan)

    def plan(self, db: Database, request: Request) -> Plan:
        """Return what a request would change now. Raises Refusal."""
        for calendar in {request.calendar, request.target} - {""}:
            access = db.places.get((request.user, calendar))
            if access is None or access.rights != "full":
                raise Refusal(403 if access else 404)
        return _PLANS[request.kind](self, db, request)

    def _first_answer(self, db: Database, request: Request) -> Answer | None:
        """Invariant 8: return the first answer to a known mutation id."""
        if not self.rules.idempotency:
            return None
        log = db.calendars[request.calendar].log
        return next((row.answer for row in log if row.key == request.key), None)

    def _refuse(self, db: Database, request: Request) -> None:
        if not self.rules.refused_leaves_revision:
            row = db.calendars[request.calendar]
            state = State(row.state.revision + 1, next(self.nonces))
            db.calendars[request.calendar] = row._replace(state=state)
            self.history.ghost(request.calendar, row.state, state)

    def _commit(self, db: Database, request: Request, plan: Plan) -> tuple[Answer, list[ChangeSet]]:
        calendars = sorted(plan)  # always in ascending order of ids, so that there is no deadlock
        states = {c: State(db.head(c).revision + 1, next(self.nonces)) for c in calendars}
        told = self.rules.becoming_secret_told
        entries = {c: tuple(_entry(db, i, item, c, states[c], told) for i, item in plan[c].items()) for c in calendars}
        first = next((e.item for c in calendars for e in entries[c] if e.id == request.ids[0] and e.item), None)
        answer = Answer(200, tuple(states.items()), first)
        sets = []
        for calendar in calendars:
            row = db.calendars[calendar]
            self.history.commit(calendar, row.state, states[calendar], entries[calendar], request)
            logged = LogRow(states[calendar], entries[calendar], request.key, answer)
            db.calendars[calendar] = row._replace(state=states[calendar], log=(*row.log, logged))
            sets.append(ChangeSet(calendar, row.state, states[calendar], entries[calendar]))
        for calendar in calendars:
            _save(db, calendar, entries[calendar], plan)
        return answer, sets

    def _expected(self, db: Database, request: Request) -> Item:
        row = db.items.get(request.ids[0])
        if row is None or row.deleted is not None or row.item.calendar != request.calendar:
            raise Refusal(404)
        if self.rules.if_match and request.expected is not None and row.item.state != request.expected:
            raise Refusal(412)
        return row.item

    def _create(self, db: Database, request: Request) -> Plan:
        if any(item in db.items for item in request.ids):
            raise Refusal(409)
        start, end = request.span
        made: dict[str, Item | None] = {}
        for item in request.ids:
            parent = request.parent if _is_in(db, request.parent, request.calendar) else None
            blank = Item(item, request.calendar, State(0, 0), start, end, request.key, request.visibility, parent)
            made[item] = blank._replace(by=request.user)
        return {request.calendar: made}

    def _edit(self, db: Database, request: Request) -> Plan:
        item = self._expected(db, request)
        start, end = request.span
        edited = item._replace(start=start, end=end, title=request.key, visibility=request.visibility, by=request.user)
        return {request.calendar: {item.id: edited}}

    def _delete(self, db: Database, request: Request) -> Plan:
        item = self._expected(db, request)
        if request.children == "delete":
            return {request.calendar: dict.fromkeys([item.id, *_below(db, item.id)])}
        plan: dict[str, Item | None] = {
            row.item.id: row.item._replace(parent=item.parent)
            for row in db.items.values()
            if row.deleted is None and row.item.parent == item.id
        }
        return {request.calendar: {item.id: None, **plan}}

    def _restore(self, db: Database, request: Request) -> Plan:
        row = db.items.get(request.ids[0])
        if row is None or row.deleted is None or row.item.calendar != request.calendar:
            raise Refusal(404)
        if self.rules.undo_needs_its_deletion and row.deleted != request.expected:
            raise Refusal(412)
        deletion = row.deleted
        back: dict[str, Item | None] = {
            one.item.id: _with_parent(db, one, deletion, request.calendar)._replace(by=request.user)
            for one in db.items.values()
            if one.deleted == deletion and one.item.calendar == request.calendar
        }
        return {request.calendar: back}

    def _move(self, db: Database, request: Request) -> Plan:
        item = self._expected(db, request)
        moved = [item.id, *_below(db, item.id)]
        there: dict[str, Item | None] = {
            i: db.items[i].item._replace(calendar=request.target, by=request.user) for i in moved
        }
        there[item.id] = item._replace(calendar=request.target, parent=None, by=request.user)
        return {request.calendar: dict.fromkeys(moved), request.target: there}

    def _bulk(self, db: Database, request: Request) -> Plan:
        found = [i for i in request.ids if i in db.items and db.items[i].deleted is None]
        found = [i for i in found if db.items[i].item.calendar == request.calendar]
        if not found:
            raise Refusal(404)
        below = [one for i in found for one in _below(db, i)]
        return {request.calendar: dict.fromkeys([*found, *below])}


_PLANS = {
    "create": Services._create,
    "edit": Services._edit,
    "delete": Services._delete,
    "restore": Services._restore,
    "move": Services._move,
    "bulk": Services._bulk,
}


def _entry(db: Database, item_id: str, item: Item | None, calendar: str, state: State, told: bool) -> Entry:
    row = db.items.get(item_id)
    shown = row is not None and row.deleted is None and row.item.calendar == calendar
    was_secret = row is None or not shown or row.item.visibility == "secret"
    if item is None:
        return Entry(item_id, None, was_secret)
    secret = (was_secret or not told) and item.visibility == "secret"
    return Entry(item_id, item._replace(calendar=calendar, state=state), secret)


def _is_in(db: Database, item: str | None, calendar: str) -> bool:
    row = db.items.get(item or "")
    return row is not None and row.deleted is None and row.item.calendar == calendar


def _with_parent(db: Database, row: Row, deletion: State, calendar: str) -> Item:
    """Return a restored item, without its parent if the parent was deleted or moved away meanwhile."""
    parent = db.items.get(row.item.parent or "")
    if parent is not None and parent.item.calendar == calendar and parent.deleted in (None, deletion):
        return row.item
    return row.item._replace(parent=None)


def _below(db: Database, item: str) -> list[str]:
    calendar = db.items[item].item.calendar
    rows = [row for row in db.items.values() if row.deleted is None and row.item.calendar == calendar]
    found = [row.item.id for row in rows if row.item.parent == item]
    return found + [lower for one in found for lower in _below(db, one)]


def _save(db: Database, calendar: str, entries: tuple[Entry, ...], plan: Plan) -> None:
    """Write the item rows of one calendar's change set. An item that moved away stays alive in the other calendar."""
    for entry in entries:
        if entry.item is not None:
            db.items[entry.id] = Row(entry.item, None)
        elif entry.id in db.items and not any(other != calendar and entry.id in plan[other] for other in plan):
            db.items[entry.id] = Row(db.items[entry.id].item, _state_of(db, calendar))


def _state_of(db: Database, calendar: str) -> State:
    return db.calendars[calendar].state
