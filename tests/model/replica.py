"""Models one calendar as a client knows it: rules C1-C4, C6 and C7."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.model import feeds
from tests.model.feeds import Ask
from tests.model.store import Store
from tests.model.values import (
    Access,
    Changes,
    Item,
    Reset,
    Span,
    State,
    Subscribe,
    Subscribed,
)

if TYPE_CHECKING:
    from tests.model.client import Client


@dataclass(eq=False, slots=True)
class Replica:
    client: Client
    calendar: str
    store: Store
    connected: bool = False
    gone: bool = False
    generation: int = 0
    cursor: State | None = None
    access: Access | None = None
    chain: set[State] = field(default_factory=set)
    part: list[Changes] = field(default_factory=list)
    group: list[Changes] = field(default_factory=list)
    held: list[Changes] = field(default_factory=list)
    sequence: int = 0
    pending: bool = False
    resetting: bool = False
    reset_reason: str = ""
    shown: dict[Span, bool] = field(default_factory=dict)  # range -> answered since it was last shown
    asks: list[Ask] = field(default_factory=list)
    etags: dict[Span, tuple[State, Access]] = field(default_factory=dict)
    timers: set[str] = field(default_factory=set)

    # --- screens and connection ------------------------------------------------------------------------------

    def show(self, ranges: list[Span]) -> None:
        """Show exactly these ranges. Request a feed for each new range, even if the store already has its items."""
        self.shown = {one: self.shown.get(one, False) for one in ranges}
        self.asks = [ask for ask in self.asks if ask.request.within in self.shown]
        self.store.drop_old_if(all(self.shown.values()))
        feeds.ask_missing(self)

    def opened(self) -> None:
        self.connected, self.pending, self.gone = True, False, False  # the list of calendars is read again
        if self.client.rules.cut_drops_chunks:
            self.part, self.group = [], []
        self.held = []
        if self.resetting:
            self.start_anew()
        else:
            self.subscribe()
        if not self.client.rules.subscribe_first:
            feeds.ask_missing(self, early=True)

    def closed(self) -> None:
        self.connected = self.pending = False
        self.timers.discard("gap")
        if self.client.rules.cut_drops_chunks:
            self.part, self.group = [], []
        self.held = []

    def subscribe(self) -> None:
        if not self.connected or self.gone:
            return
        self.sequence += 1
        self.pending, self.held = True, []  # the replay brings them
        self.client.send(Subscribe(self.sequence, self.calendar, self.cursor, self.access))

    # --- frames ----------------------------------------------------------------------------------------------

    def subscribed(self, frame: Subscribed) -> None:
        """Take `subscribed`, the end of a replay (C4)."""
        rules = self.client.rules
        if not self.pending or self.resetting or (rules.last_id_counts and frame.id != self.sequence):
            return
        self.pending = False
        if rules.subscribed_checks_access and self.access not in (None, frame.access):
            self.reset(Reset(self.calendar, "rights"), spread=False)
            return
        if self.cursor is None or not rules.subscribed_never_moves:
            self.cursor, self.access = frame.state, frame.access
            self.chain.add(frame.state)
        if rules.waiting_feeds_dropped:
            self.asks = [ask for ask in self.asks if ask.answer is None or ask.waits_since >= self.sequence]
        below = frame.state.revision <= self.cursor.revision and not rules.subscribed_below_asks
        if frame.state == self.cursor or below:
            self.client.overlays.subscribe_completed(self)
        elif rules.subscribed_asks_again:
            self.subscribe()
        feeds.ask_missing(self)

    def changes(self, frame: Changes) -> None:
        """Collect the chunks of a set. With the last chunk, place the whole set (C3)."""
        rules = self.client.rules
        if self.resetting or (self.cursor is None and rules.changes_need_cursor):
            return
        first = self.part[0] if self.part else frame
        if rules.pair_drops_chunks and (first.old, first.new) != (frame.old, frame.new):
            self.part = []
        if frame.more and rules.chunks_all_or_none:
            self.part.append(frame)
            return
        parts, self.part = [*self.part, frame], []
        upserted = tuple(item for part in parts for item in part.upserted)
        destroyed = tuple(one for part in parts for one in part.destroyed)
        self._gather(frame._replace(more=False, upserted=upserted, destroyed=destroyed))

    def _gather(self, change: Changes) -> None:
        """Collect sets that are only true together. With the last set, place all of them (C3)."""
        group, self.group = self.group, []
        if change.until is not None and self.client.rules.groups_whole:
            follows = bool(group) and (group[-1].new, group[-1].until) == (change.old, change.until)
            self.group = [*(group if follows else []), change]
            return
        whole = bool(group) and (group[-1].new, group[-1].until) == (change.old, change.new)
        at = [number for number, one in enumerate(group) if whole and one.old == self.cursor]
        for one in group[at[0] :] if at else []:
            self._place(one)
        self._place(change)

    def _place(self, change: Changes) -> None:
        rules, cursor = self.client.rules, self.cursor
        if cursor is None or change.old == cursor:
            self._apply(change)
            self._apply_held()
            feeds.revisit_waiting(self)
        elif change.old.revision > cursor.revision:
            if not rules.changes_chain:
                self._apply(change)
            elif rules.ahead_is_held:
                self.held.append(change)
            self.timers.add("gap")
        elif change.new.revision < cursor.revision or change.new == cursor:
            if not rules.behind_is_dropped:
                self._apply(change)
        elif not rules.changes_chain:
            self._apply(change)
        elif rules.fork_asks and not self.pending:
            self.subscribe()

    def _apply(self, change: Changes) -> None:
        self.store.change(change)
        self.cursor = change.new
        self.chain.add(change.new)

    def _apply_held(self) -> None:
        while chained := [change for change in self.held if change.old == self.cursor]:
            self.held.remove(chained[0])
            self._apply(chained[0])
        at = self.cursor.revision if self.cursor else -1
        self.held = [change for change in self.held if change.old.revision > at]

    def head(self, head: State) -> None:
        """Take the head of this calendar from a heartbeat (C6)."""
        rules = self.client.rules
        if self.resetting or (self.pending and rules.head_waits_for_pending):
            return
        if self.cursor is None and rules.head_needs_cursor:
            return
        if not rules.head_sets_nothing:
            self.cursor = head
            self.chain.add(head)
        elif head != self.cursor and rules.head_asks:
            self.subscribe()

    def withdrawn(self) -> None:
        """Forget the calendar and all its items at once, because the user has no access to it."""
        self.forget(keep_picture=False)
        self.gone, self.resetting = True, False
        self.timers.clear()

    def granted(self) -> None:
        if self.gone:
            self.gone = False
            self.subscribe()

    # --- resets ----------------------------------------------------------------------------------------------

    def reset(self, frame: Reset, *, spread: bool = True) -> None:
        """Take a reset. After a random part of its spread, forget everything and start anew (C7)."""
        if self.gone:
            return
        if frame.reason == "rights" and self.client.rules.old_picture_goes_with_rights:
            self.forget(keep_picture=False)
        self.resetting, self.pending, self.held = True, False, []
        self.reset_reason = frame.reason
        if self.client.rules.reset_forgets_chunks:
            self.part = []
        self.group = []
        self.timers.add("reset")
        if not spread:
            self.start_anew()

    def start_anew(self) -> None:
        self.timers.discard("reset")
        if self.resetting:
            self.forget(keep_picture=self.client.rules.old_picture_stays)
            self.resetting = False
            self.subscribe()

    def forget(self, *, keep_picture: bool) -> None:
        rules = self.client.rules
        self.store.forget(keep_picture=keep_picture)
        self.generation += 1
        if rules.reset_forgets_cursor:
            self.cursor = self.access = None
            self.chain = set()
        if rules.generations:
            self.asks = []
        if rules.reset_forgets_etags:
            self.etags = {}
        self.pending, self.held, self.group = False, [], []
        self.timers -= {one for one in self.timers if one != "reset"}
        self.shown = dict.fromkeys(self.shown, False)

    # --- timers ----------------------------------------------------------------------------------------------

    def fire(self, timer: str) -> None:
        """Let a timer run out: `gap`, `reset` or `retry:<range>`."""
        self.timers.discard(timer)
        if timer == "reset":
            self.start_anew()
        elif timer == "gap":
            self._look_again()
        else:
            feeds.ask_missing(self)

    def _look_again(self) -> None:
        """Subscribe if the gap is still open when its time is up, and check again in a second."""
        rules = self.client.rules
        waits = rules.waiting_asks and any(ask.answer is not None for ask in self.asks)
        waits = waits or (rules.overlay_asks and self.client.overlays.wait_for(self))
        ahead = rules.ahead_asks and (bool(self.held) or not rules.ahead_is_held)
        if not self.pending and (waits or ahead):
            self.subscribe()
        if self.held or waits:
            self.timers.add("gap")

    def tidy(self) -> None:
        """Forget graves that no requested feed can be older than (C2), and end overlays that the chain has reached."""
        if self.store.graves:
            floor = min((ask.request.min_revision for ask in self.asks), default=1 << 60)
            self.store.forget_graves(floor if self.client.rules.graves_outlive_feeds else 1 << 60)
        self.client.overlays.end_reached(self)

    def picture(self) -> dict[str, Item]:
        """Return what the store shows of this calendar, without overlays."""
        return self.store.picture()
