"""Models the feeds of a replica: which feeds it requests, and what it does with the answers (C1, C5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.model.values import FeedAnswer, FeedRequest, Span

if TYPE_CHECKING:
    from tests.model.replica import Replica


@dataclass(eq=False, slots=True)
class Ask:
    """A feed request. With `answer`, the feed is ahead of the cursor and has waited since subscribe `waits_since`."""

    calendar: str
    request: FeedRequest
    generation: int
    answer: FeedAnswer | None = None
    waits_since: int = 0


def ask_missing(replica: Replica, *, early: bool = False) -> None:
    """Request a feed for every shown range that is neither answered nor requested (C1)."""
    if replica.gone or (replica.cursor is None and not early):
        return
    asked = {ask.request.within for ask in replica.asks if ask.generation == replica.generation}
    for within, settled in replica.shown.items():
        if not settled and within not in asked and f"retry:{within}" not in replica.timers:
            _ask(replica, within)


def _ask(replica: Replica, within: Span) -> None:
    least = replica.cursor.revision if replica.cursor and replica.client.rules.min_revision else 0
    request = FeedRequest(replica.calendar, within, least, False, replica.etags.get(within))
    ask = Ask(replica.calendar, request, replica.generation)
    replica.asks.append(ask)
    replica.client.fetches.append(ask)


def feed(replica: Replica, ask: Ask, answer: FeedAnswer) -> None:
    """Take the answer to a feed request. Ignore it for an older generation or a range that is no longer shown (C5)."""
    if ask not in replica.asks or ask.answer is not None:
        return
    if answer.status == 503:
        feed_failed(replica, ask)
    else:
        _place_feed(replica, ask, answer)


def feed_failed(replica: Replica, ask: Ask) -> None:
    if ask in replica.asks:
        replica.asks.remove(ask)
        replica.timers.add(f"retry:{ask.request.within}")


def _place_feed(replica: Replica, ask: Ask, answer: FeedAnswer) -> None:
    place = _place_of(replica, answer)
    if place == "merge":
        _merge(replica, ask, answer)
    elif place == "again":
        feed_failed(replica, ask)
    elif ask.answer is None:
        ask.answer, ask.waits_since = answer, replica.sequence
        replica.timers.add("gap")


def _place_of(replica: Replica, answer: FeedAnswer) -> str:
    rules, cursor, state = replica.client.rules, replica.cursor, answer.state
    if rules.feed_checks_access and answer.access != replica.access and cursor is not None:
        return "again"
    if state in replica.chain:
        return "merge"
    if state is not None and cursor is not None and state.revision > cursor.revision:
        return "wait" if rules.feed_waits else "merge"
    return "again" if rules.feed_in_chain else "merge"


def revisit_waiting(replica: Replica) -> None:
    """Try again to place the feeds that wait, because the cursor has moved."""
    for ask in [one for one in replica.asks if one.answer is not None]:
        assert ask.answer is not None
        _place_feed(replica, ask, ask.answer)


def _merge(replica: Replica, ask: Ask, answer: FeedAnswer) -> None:
    replica.asks.remove(ask)
    within = ask.request.within
    assert answer.state is not None
    assert answer.access is not None
    if answer.rows is not None:  # None is a 304: the store has forgotten nothing of this range since that ETag
        replica.store.merge(within, answer.state, answer.rows)
    if ask.request.filtered:
        return
    replica.etags[within] = (answer.state, answer.access)
    if within in replica.shown:
        replica.shown[within] = True
        replica.store.drop_old_if(all(replica.shown.values()))
