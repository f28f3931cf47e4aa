"""Reads a feed: the items of a time range, and the state that they are true for, from one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Value

from .. import cache
from ..access import Standing
from ..errors import NotFound, NotYet
from ..protocol.rights import Rights, reads_whole, redact
from ..protocol.state import State
from ..schedule.ranges import Range, format_instant
from ..sources import all_sources, is_sound


@dataclass(frozen=True, slots=True)
class Query:
    """What a feed is asked for. `wanted`: the accepted values by the name of their filter; empty: everything."""

    within: Range
    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    min_revision: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """A JSON array of event objects (`body`), true for `state`, as seen with the rights of `access`."""

    state: State
    access: str
    body: bytes

    @property
    def etag(self) -> str:
        return f'"{self.state}.{self.access}"'


def read_feed(standing: Standing, query: Query) -> Feed:
    """Return the feed of a calendar for a receiver of this standing. Raises NotYet below `min_revision`."""
    if standing.state.revision < query.min_revision:
        raise NotYet
    _, stored = cache.get_or_compute(
        _key(standing.calendar, standing.state, standing.rights, query), lambda: _compute(standing, query)
    )
    token, _, body = stored.partition(b"\n")
    return Feed(State.parse(token.decode()), str(standing.access), body)


def _key(calendar: str, state: State, rights: Rights, query: Query) -> str:
    wanted = [f"{name}={','.join(sorted(values))}" for name, values in sorted(query.wanted.items())]
    return cache.key_of(
        calendar, state, rights, format_instant(query.within.start), format_instant(query.within.end), *wanted
    )


def _compute(standing: Standing, query: Query) -> tuple[str, bytes]:
    """Return (key, state + newline + body). State and wires come from one SQL statement (invariant 2)."""
    sources = all_sources()
    statements = [
        source.joined(standing.calendar, query.within, query.wanted).annotate(source=Value(index))
        for index, source in enumerate(sources)
    ]
    if len(statements) > 1:  # SQLite cannot order the parts of a union
        first, *others = [statement.order_by() for statement in statements]
        whole = first.union(*others, all=True).order_by()  # or Django 6 adds the model's own order
        rows = sorted(whole, key=lambda row: str(row[2]))
    else:
        rows = list(statements[0])
    if not rows:
        raise NotFound("no_calendar")
    state = State(rows[0][0], rows[0][1])
    seen = [
        (sources[index], redact(wire, visibility, standing.rights))
        for _, _, item, visibility, wire, index in rows
        # A receiver who sees an item as "Busy" must not learn its type or status by a filter.
        if item is not None
        and (not query.wanted or reads_whole(visibility, standing.rights))
        and is_sound(wire, item=item, calendar=standing.calendar)
    ]
    occurrences = (
        event for source, wire in seen if wire is not None for event in source.occurrences(wire, query.within)
    )
    body = f"[{','.join(occurrences)}]"
    return _key(standing.calendar, state, standing.rights, query), f"{state}\n{body}".encode()
