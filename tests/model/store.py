"""Models the items of one calendar that a client knows, with their revisions and graves (C2, C3, C5, C7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.rules import Rules
from tests.model.values import Changes, Item, Span, State, in_range


class Known(NamedTuple):
    item: Item
    revision: int


@dataclass(eq=False, slots=True)
class Store:
    """A client's store. `rows` and `graves` are of this calendar; if that rule is off, all calendars share them."""

    rules: Rules
    calendar: str
    rows: dict[str, Known]
    graves: dict[str, int]
    old: dict[str, Item] = field(default_factory=dict)  # the picture before a reset

    def change(self, change: Changes) -> None:
        """Apply each upsert and destroy of a change set that is above the known revision of its item (C3)."""
        revision, guarded = change.new.revision, self.rules.change_row_guard
        for item in change.upserted:
            if not guarded or revision > self._known(item.id):
                self._put(item, revision)
        for gone in change.destroyed:
            if not guarded or revision > self._known(gone):
                self._bury(gone, revision if self.rules.tombstones else None)

    def merge(self, within: Span, state: State, rows: tuple[Item, ...]) -> None:
        """Merge a feed: take rows above their known revisions, and hide known rows that the feed lacks (C5)."""
        for item in rows:
            if not self.rules.feed_row_guard or item.state.revision > self._known(item.id):
                self._put(item, item.state.revision)
        present = {item.id for item in rows}
        for known in list(self.rows.values()):
            item = known.item
            if item.calendar != self.calendar or item.id in present or not in_range(item, within):
                continue
            if self.rules.missing_hidden and (known.revision <= state.revision or not self.rules.missing_only_older):
                self._bury(item.id, known.revision if self.rules.hidden_keeps_revision else None)

    def put_answer(self, item: Item) -> None:
        """Store the item in the answer to a mutation (an ablation of C2)."""
        if item.state.revision > self._known(item.id):
            self._put(item, item.state.revision)

    def _known(self, item: str) -> int:
        row = self.rows.get(item)
        return row.revision if row is not None else self.graves.get(item, -1)

    def _put(self, item: Item, revision: int) -> None:
        self.rows[item.id] = Known(item, revision)
        self.graves.pop(item.id, None)

    def _bury(self, item: str, revision: int | None) -> None:
        self.rows.pop(item, None)
        if self.rules.old_picture_obeys:
            self.old.pop(item, None)
        if revision is not None:
            self.graves[item] = revision

    def forget_graves(self, below: int) -> None:
        """Forget the graves at or below a revision."""
        for item in [one for one, revision in self.graves.items() if revision <= below]:
            del self.graves[item]

    def forget(self, *, keep_picture: bool) -> None:
        self.old = self.picture() if keep_picture else {}
        if self.rules.reset_forgets_store:
            self.graves.clear()
            for item in [one for one, known in self.rows.items() if known.item.calendar == self.calendar]:
                del self.rows[item]

    def drop_old_if(self, settled: bool) -> None:
        if settled:
            self.old = {}

    def picture(self) -> dict[str, Item]:
        """Return the known items of this calendar, and those of the old picture that are not known."""
        seen = {item_id: item for item_id, item in self.old.items() if item_id not in self.rows}
        seen.update((i, known.item) for i, known in self.rows.items() if known.item.calendar == self.calendar)
        return seen
