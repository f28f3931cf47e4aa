"""Checks each client's picture against what really happened, after every step and at rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tests.model.replica import Replica
from tests.model.values import (
    Answer,
    FeedRequest,
    Item,
    Request,
    State,
    Violation,
    in_range,
    redact,
)

if TYPE_CHECKING:
    from tests.model.client import Client
    from tests.model.server import Server


class Before(NamedTuple):
    """A replica as it was at the last check."""

    generation: int
    cursor: State | None
    seen: dict[str, Item]


class Removal(NamedTuple):
    """The state at which an item was removed, and the generation in which the client showed the removal."""

    state: State
    generation: int


@dataclass(eq=False, slots=True)
class Watch:
    """Watches one client."""

    client: Client
    server: Server
    before: dict[str, Before] = field(default_factory=dict)
    removals: dict[tuple[str, str], Removal] = field(
        default_factory=dict
    )  # (calendar, item) -> the removal that was shown

    def check(self) -> None:
        """Check every calendar of the client after an event that touched it."""
        for replica in self.client.replicas.values():
            seen = replica.store.picture()
            before = self.before.get(replica.calendar)
            if before is not None:
                self._check_reset(replica, before, seen)
                self._check_order(replica, before)
                self._note_removals(replica, before, seen)
            if replica.cursor is not None:
                self._check_history(replica, replica.cursor)
                self.check_view(replica)
            self._check_removals(replica)
            self.before[replica.calendar] = Before(replica.generation, replica.cursor, seen)

    def _fail(self, invariant: str, replica: Replica, detail: str) -> None:
        raise Violation(invariant, f"{self.client.user}, calendar {replica.calendar} at {replica.cursor}: {detail}")

    def _check_reset(self, replica: Replica, before: Before, seen: dict[str, Item]) -> None:
        """C7: check that the old picture stays through a reset, and disappears at once when rights change."""
        if replica.generation == before.generation:
            return
        blank = replica.gone or replica.reset_reason == "rights"
        if blank and seen:
            self._fail("7", replica, f"still shows {sorted(seen)} though the rights changed")
        if not blank and seen != before.seen:
            self._fail("C7", replica, f"showed {sorted(before.seen)} before the reset and {sorted(seen)} after it")

    def _check_order(self, replica: Replica, before: Before) -> None:
        """Invariant 3: check that the cursor only follows the log within a generation."""
        if replica.generation != before.generation or before.cursor is None or replica.cursor == before.cursor:
            return
        if replica.cursor is None or not self._leads(replica, before.cursor, replica.cursor):
            self._fail("3", replica, f"the cursor came from {before.cursor}")

    def _leads(self, replica: Replica, earlier: State, later: State) -> bool:
        return self.server.history.is_before(replica.calendar, earlier, later)

    def _check_history(self, replica: Replica, cursor: State) -> None:
        """Invariant 6: check that the store has nothing of another history, and nothing ahead of the cursor."""
        for known in replica.store.rows.values():
            item = known.item
            if item.calendar == replica.calendar and not self._leads(replica, item.state, cursor):
                self._fail("6", replica, f"holds {item}, which is no part of what led to the cursor")

    def check_view(self, replica: Replica) -> None:
        """Invariants 2, 3 and 5: check that an answered range shows exactly the calendar at the cursor."""
        access, cursor = replica.access, replica.cursor
        if cursor is None:
            return
        live = self.server.history.at(replica.calendar, cursor).live
        for within, settled in replica.shown.items():
            if not settled or access is None:
                continue
            shown = {i: item for i, (item, _) in replica.store.rows.items() if item.calendar == replica.calendar}
            shown = {i: item for i, item in shown.items() if in_range(item, within)}
            due = {i: redact(item, access.rights) for i, item in live.items() if in_range(item, within)}
            true = {i: item for i, item in due.items() if item is not None}
            if shown != true:
                self._fail("5", replica, f"range {within} shows {_differences(shown, true)}")

    # --- removals (invariant 4) ------------------------------------------------------------------------------

    def answered(self, request: Request, answer: Answer) -> None:
        """Record an answered delete. From now on, the client shows the items as removed."""
        if answer.status == 200 and request.kind in ("delete", "bulk"):
            for item in request.ids:
                self._note(request.calendar, item, dict(answer.states)[request.calendar])

    def _note(self, calendar: str, item: str, state: State) -> None:
        known = self.removals.get((calendar, item))
        if known is None or self.server.history.is_before(calendar, known.state, state):
            self.removals[calendar, item] = Removal(state, self.client.replicas[calendar].generation)

    def _note_removals(self, replica: Replica, before: Before, seen: dict[str, Item]) -> None:
        if replica.generation != before.generation or replica.cursor is None:
            return
        gone = self.server.history.at(replica.calendar, replica.cursor).gone
        for item in before.seen.keys() - seen.keys():
            if item in gone and self._leads(replica, before.seen[item].state, gone[item]):
                self._note(replica.calendar, item, gone[item])

    def _check_removals(self, replica: Replica) -> None:
        """Invariant 4: check that a removed item comes back only through a later change of the same history."""
        calendar = replica.calendar
        mine = [(item, removal) for (c, item), removal in self.removals.items() if c == calendar]
        if not mine:
            return
        picture = self.client.picture(calendar)
        for item, removal in mine:
            if replica.gone or self._is_of_lost_history(replica, removal):
                del self.removals[calendar, item]
                continue
            shown = picture.get(item)
            if shown is None or shown.state.revision < 0:
                continue
            if self._leads(replica, shown.state, removal.state):
                self._fail("4", replica, f"{item} was removed at {removal.state} and is back as of {shown.state}")

    def _is_of_lost_history(self, replica: Replica, removal: Removal) -> bool:
        """Return whether a restore of the database undid a removal, and the client knows the history after it."""
        head, state, cursor = self.server.db.head(replica.calendar), removal.state, replica.cursor
        if cursor is None:
            return False
        lost = not self._leads(replica, state, head)
        if lost and self._leads(replica, cursor, head):
            return True
        apart = not self._leads(replica, state, cursor) and not self._leads(replica, cursor, state)
        if lost and apart and self._leads(replica, head, cursor):
            return True  # a second restore lost the history that followed the first
        return apart and replica.generation > removal.generation

    # --- mutations (invariant 8) -----------------------------------------------------------------------------

    def check_lost(self, request: Request, first: Answer, second: Answer) -> None:
        """Check that a restore has lost the first result, without which a different second answer is wrong."""
        calendar, state = first.states[0]
        if self.server.history.is_before(calendar, state, self.server.db.head(calendar)):
            raise Violation("8", f"{request.kind} {request.key} was answered {first}, then {second}")

    # --- when all is quiet -----------------------------------------------------------------------------------

    def check_quiet(self) -> None:
        """Invariant 5: check that every view equals a fresh feed for its rights, and that no mutation is unfinished."""
        if self.client.overlays.mutations or self.client.overlays.overlays:
            left = [*self.client.overlays.mutations, *self.client.overlays.overlays]
            raise Violation("5", f"{self.client.user}: overlays or mutations never ended: {left}")
        for replica in self.client.replicas.values():
            for within, settled in replica.shown.items():
                self._check_fresh(replica, FeedRequest(replica.calendar, within, 0, False, None), settled)

    def _check_fresh(self, replica: Replica, request: FeedRequest, settled: bool) -> None:
        fresh = self.server.fresh(self.client.user, request)
        picture = self.client.picture(replica.calendar)
        shown = {i: item for i, item in picture.items() if in_range(item, request.within)}
        if fresh.status == 404:
            if shown:
                self._fail("7", replica, f"still shows {sorted(shown)} of a calendar that is not its user's")
            return
        true = {item.id: item for item in fresh.rows or ()}
        if replica.cursor != fresh.state or not settled or shown != true:
            where = f"range {request.within} settled={settled}, server at {fresh.state}: {_differences(shown, true)}"
            self._fail("5", replica, "never got quiet: " + where)


def _differences(shown: dict[str, Item], true: dict[str, Item]) -> str:
    both = sorted(shown.keys() | true.keys())
    return str([(item, shown.get(item), "truly", true.get(item)) for item in both if shown.get(item) != true.get(item)])
