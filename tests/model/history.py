"""Records everything that ever happens, in every history, for the checks.

Neither the server nor a client decides anything by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.values import ChangeSet, Entry, Item, Request, State, Violation


class Moment(NamedTuple):
    """A calendar at one state: the states that led there, the items, and the deletions in force."""

    path: tuple[State, ...]
    live: dict[str, Item]
    gone: dict[str, State]
    keys: frozenset[str]
    size: int = 0  # entries of the change set that led here


@dataclass(slots=True)
class History:
    moments: dict[tuple[str, State], Moment] = field(default_factory=dict)
    orders: dict[tuple[str, str], int] = field(
        default_factory=dict
    )  # (user, item) -> number of the newest mutation done

    def begin(self, calendar: str, state: State) -> None:
        self.moments[calendar, state] = Moment((state,), {}, {}, frozenset())

    def ghost(self, calendar: str, old: State, new: State) -> None:
        """Record a revision without a change set (an ablation)."""
        before = self.moments[calendar, old]
        self.moments[calendar, new] = before._replace(path=(*before.path, new))

    def at(self, calendar: str, state: State) -> Moment:
        return self.moments[calendar, state]

    def is_before(self, calendar: str, earlier: State, later: State) -> bool:
        """Return whether one state leads to another, or is the same."""
        path = self.moments[calendar, later].path
        return earlier.revision < len(path) and path[earlier.revision] == earlier

    def check_refused(self, calendar: str, state: State, head: State, kept_from: int) -> None:
        """Raise Violation if a state that the log should hold is called unverifiable (the converse of invariant 6)."""
        if state.revision >= kept_from and self.is_before(calendar, state, head):
            raise Violation(
                "6", f"{state} was refused, though it leads to {head} and nothing above {kept_from} was pruned"
            )

    def check_told(self, calendar: str, sets: list[ChangeSet]) -> None:
        """Raise Violation if a replay sends an item as it was instead of as it is now (invariant 7)."""
        live = self.moments[calendar, sets[-1].new].live if sets else {}
        for one in sets:
            for entry in one.entries or ():
                if live.get(entry.id) != entry.item:
                    raise Violation("7", f"{one.new} tells {entry}, which is {live.get(entry.id)} at {sets[-1].new}")

    def commit(self, calendar: str, old: State, new: State, entries: tuple[Entry, ...], request: Request) -> None:
        """Record a change set. Raises Violation if its request must not have had this effect."""
        before = self.moments[calendar, old]
        if request.key in before.keys:
            raise Violation("8", f"mutation {request.key} was done twice in {calendar}, again at {new}")
        _check_expected(before, calendar, request)
        self._check_intentions(request)
        live, gone = dict(before.live), dict(before.gone)
        for entry in entries:
            if entry.item is None:
                live.pop(entry.id, None)
                gone[entry.id] = new
            else:
                live[entry.id] = entry.item
                gone.pop(entry.id, None)
        self.moments[calendar, new] = Moment((*before.path, new), live, gone, before.keys | {request.key}, len(entries))

    def _check_intentions(self, request: Request) -> None:
        """C8: check that a user's mutations of an item are done in the order in which the user made them."""
        number = int(request.key[1:])
        for item in request.ids:
            if self.orders.get((request.user, item), 0) > number:
                raise Violation(
                    "C8", f"{request.kind} {request.key} of {item} was overtaken by a later one of its user"
                )
            self.orders[request.user, item] = number


def _check_expected(before: Moment, calendar: str, request: Request) -> None:
    """S1 and S6: check that a mutation was done to the version that it was meant for."""
    if request.expected is None or calendar != request.calendar or request.kind == "create":
        return
    item = request.ids[0]
    if request.kind == "restore":
        if before.gone.get(item) != request.expected:
            raise Violation("S6", f"{item} was restored though its deletion is not {request.expected}")
        return
    known = before.live.get(item)
    if known is None or known.state != request.expected:
        raise Violation("S1", f"{request.kind} of {item} was done to {known}, meant for {request.expected}")
