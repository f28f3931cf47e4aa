"""Models a client's optimistic edits (C8).

An edit is laid over the store at once. It ends when the store has caught up or the server has refused it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.model.rules import Rules
from tests.model.values import Answer, Item, Request, State

if TYPE_CHECKING:
    from tests.model.replica import Replica


@dataclass(eq=False, slots=True)
class Overlay:
    """The effect of one mutation on one item. `shown` is the item as it is shown, or None if it is hidden."""

    calendar: str
    item: str
    shown: Item | None
    answered: State | None = None
    sequence: int = 0  # how many subscribes of its calendar were sent before the answer arrived


@dataclass(eq=False, slots=True)
class Mutation:
    """A mutation under way. If its answer is lost, it is sent again with the same key."""

    request: Request
    overlays: list[Overlay]
    under_way: bool = True


@dataclass(eq=False, slots=True)
class Overlays:
    rules: Rules
    mutations: list[Mutation] = field(default_factory=list)
    overlays: list[Overlay] = field(default_factory=list)

    def begin(self, request: Request, shown: dict[tuple[str, str], Item | None]) -> Mutation:
        """Lay a mutation over the store. `shown` maps (calendar, item id) to the item, or to None if it is hidden."""
        made = [Overlay(calendar, item_id, item) for (calendar, item_id), item in shown.items()]
        mutation = Mutation(request, made)
        self.mutations.append(mutation)
        self.overlays += made
        return mutation

    def is_busy(self, item: str) -> bool:
        """Return whether a mutation of an item is under way."""
        return any(item in one.request.ids for one in self.mutations)

    def answered(self, mutation: Mutation, answer: Answer, replicas: dict[str, Replica]) -> None:
        """Take the answer to a mutation. Its overlays stay until the store has the result, or end if it was refused."""
        self._done(mutation)
        states = dict(answer.states)
        for overlay in mutation.overlays:
            state = states.get(overlay.calendar)
            if state is None or not self.rules.overlay_until_reached:
                if answer.status == 200 or self.rules.refused_overlay_goes:
                    self._end(overlay, None)
                continue
            replica = replicas[overlay.calendar]
            if replica.gone:
                self._end(overlay, None)
                continue
            overlay.answered, overlay.sequence = state, replica.sequence
            self.end_reached(replica)
            self._ask_about(overlay, replica)

    def _ask_about(self, overlay: Overlay, replica: Replica) -> None:
        """Subscribe for an answered overlay that has not ended: at once if its state is not ahead of the cursor.

        Such a state is not in the chain, so the chain will never reach it. Otherwise, subscribe in a second.
        """
        at, state = replica.cursor, overlay.answered
        if overlay not in self.overlays or not self.rules.overlay_asks:
            return
        replica.timers.add("gap")
        if at is not None and state is not None and state.revision <= at.revision and not replica.resetting:
            replica.subscribe()

    def _done(self, mutation: Mutation) -> None:
        mutation.under_way = False
        self.mutations = [one for one in self.mutations if one is not mutation]

    def _end(self, overlay: Overlay, replica: Replica | None) -> None:
        self.overlays = [one for one in self.overlays if one is not overlay]
        if replica is not None and overlay.shown is None and self.rules.old_picture_obeys:
            replica.store.old.pop(overlay.item, None)

    def _of(self, replica: Replica) -> list[Overlay]:
        return [one for one in self.overlays if one.calendar == replica.calendar and one.answered is not None]

    def end_reached(self, replica: Replica) -> None:
        """End the overlays whose answered state the chain contains."""
        if self.overlays:
            for overlay in self._of(replica):
                if overlay.answered in replica.chain:
                    self._end(overlay, replica)

    def subscribe_completed(self, replica: Replica) -> None:
        """End the overlays that were answered before the subscribe that is now complete was sent."""
        if self.rules.overlay_ends_by_subscribe:
            for overlay in self._of(replica):
                if overlay.sequence < replica.sequence:
                    self._end(overlay, replica)

    def wait_for(self, replica: Replica) -> bool:
        """Return whether an answered overlay waits for the store."""
        return bool(self._of(replica))

    def drop(self, calendar: str) -> None:
        """Forget the overlays of a calendar that the user has lost."""
        self.overlays = [one for one in self.overlays if one.calendar != calendar]

    def lay_over(self, calendar: str, picture: dict[str, Item]) -> dict[str, Item]:
        """Return a picture with the overlays laid over it, as the screen shows it."""
        for overlay in self.overlays:
            if overlay.calendar != calendar:
                continue
            if overlay.shown is None:
                picture.pop(overlay.item, None)
            else:
                picture[overlay.item] = overlay.shown
        return picture
