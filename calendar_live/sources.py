"""Defines sources, which make a model live: each gives the model's event object, its range query and its filters."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, Generic, TypeVar
from uuid import UUID

from django.db.models import FilteredRelation, ForeignKey, Q, QuerySet
from prometheus_client import Counter

from .breaker import Breaker
from .models import Calendar, LiveModel
from .protocol import wires
from .protocol.fields import NEUTRAL
from .protocol.state import State
from .schedule.ranges import Range

logger = logging.getLogger(__name__)

unsound_wires = Counter(
    "calendar_live_unsound_wires_total", "Wires left out of what is sent, because no client could read them."
)

Row = TypeVar("Row", bound=LiveModel)
# The revision and nonce of a calendar; then the id, visibility and wire of a row in the range (None if it has none).
Joined = tuple[int, str, UUID | None, str, str]


class InvalidEvent(ValueError):
    """A source made an event object that no client could read. Nothing is written. The message names row and field."""


class Source(ABC, Generic[Row]):
    """Turns the rows of one model into events. Register one instance per model with `register`."""

    model: type[Row]
    # Feed parameter -> column. If a feed has a filter without a column here, it contains none of the source's rows.
    filters: ClassVar[Mapping[str, str]] = {}
    # Related rows that `event` reads, named as for `prefetch_related`.
    reads: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def event(self, row: Row) -> dict[str, object]:
        """Return the event object of a row, from this row's own columns only, without `id`, `calendar` and `state`.

        `start` and `end` are required. Other fields of the protocol that are missing get neutral values. The source may
        add fields of its own.
        """

    def wire(self, row: Row, state: State) -> str:
        """Return the event object as JSON text, which feed, push and log send from now on. Raises InvalidEvent."""
        place = {"id": str(row.pk), "calendar": str(row.calendar_id), "state": str(state)}
        event = NEUTRAL | place | {"visibility": row.visibility} | self.event(row)
        fault = wires.fault_of(event, place)
        if fault is None:
            try:
                return wires.encode(event)
            except TypeError as error:  # in a field that the source added
                fault = str(error)
        raise InvalidEvent(f"{type(self).__name__}.event() of {type(row).__name__} {row.pk}: {fault}.")

    def condition(self, parameter: str, values: Iterable[str], *, at: str) -> Q | None:
        """Return the condition for rows that have one of the accepted values, or None if the source lacks this filter.

        `at` is a prefix for the name of each column.
        """
        column = self.filters.get(parameter)
        return Q(**{f"{at}{column}__in": list(values)}) if column else None

    def in_range(self, within: Range, *, at: str = "") -> Q:
        """Return the condition for rows that can have something in a range, on their own columns only.

        `at` is a prefix for the name of each column. The client applies the same condition to an item (`isInRange` in
        core/range.ts), and both must give the same answer.
        """
        return Q(**{f"{at}start__lt": within.end}) & (
            Q(**{f"{at}end__gt": within.start}) | Q(**{f"{at}start": within.start})
        )

    def occurrences(self, wire: str, within: Range) -> Iterable[str]:
        """Return the event objects that the feed of a range has for one row: here one, which is the row's own.

        `wire` is the row's wire as its reader may see it. The log and the frames carry rows, never occurrences.
        """
        return (wire,)

    def joined(self, calendar: str, within: Range, wanted: Mapping[str, Iterable[str]]) -> QuerySet[Calendar, Joined]:
        """Return (revision, nonce, id, visibility, wire) for each row in a range, in one statement.

        A left join attaches the rows to the calendar's row. So one snapshot gives the state and the rows for which it
        is true, and a calendar without rows in the range still gives its state (with a null id).
        """
        foreign_key = self.model._meta.get_field("calendar")
        if not isinstance(foreign_key, ForeignKey):
            raise TypeError(f"{self.model.__name__}.calendar must be a ForeignKey to Calendar.")
        name = foreign_key.related_query_name()
        condition = Q(**{f"{name}__deleted_at": None}) & self.in_range(within, at=f"{name}__")
        for parameter, values in wanted.items():
            # No row is both deleted and not deleted. An empty `__in` would remove the calendar's own row as well.
            none = Q(**{f"{name}__deleted_at__isnull": False})
            condition &= self.condition(parameter, values, at=f"{name}__") or none
        return (
            Calendar.objects.filter(pk=calendar)
            .annotate(hit=FilteredRelation(name, condition=condition))
            .order_by("hit__id")
            .values_list("revision", "nonce", "hit__id", "hit__visibility", "hit__wire")
        )


_UNSOUND_PAUSE_SECONDS: Final = 60.0
_unsound_was_said = Breaker()


def is_sound(wire: str, *, item: UUID | str, calendar: UUID | str) -> bool:
    """Whether a stored wire may be sent. If not, it is counted, and a message is logged at most once a minute.

    Such a wire belongs to a row that was written past `changelog.change`. A single one would make a whole feed or frame
    unreadable.
    """
    if wires.is_sound(wire, item=item, calendar=calendar):
        return True
    unsound_wires.inc()
    now = time.monotonic()
    if not _unsound_was_said.is_open(now) and _unsound_was_said.trip(now, _UNSOUND_PAUSE_SECONDS):
        logger.error(
            "The wire of %s in calendar %s is no event object of that row: it is left out of what is sent. "
            "Rows are to be written by changelog.change; manage.py verify_log names those that were not.",
            item,
            calendar,
        )
    return False


_sources: dict[type[LiveModel], Source[LiveModel]] = {}


def register(source: Source[Row]) -> None:
    """Make a model live. Call it from an AppConfig's `ready`."""
    _sources[source.model] = source  # type: ignore[assignment]  # a source is only ever given rows of its own model


def source_of(row: LiveModel) -> Source[LiveModel]:
    """Return the source of a row. Raises LookupError when its model was not registered."""
    try:
        return _sources[type(row)]
    except KeyError:
        raise LookupError(f"{type(row).__name__} has no source: call calendar_live.sources.register first") from None


def all_sources() -> list[Source[LiveModel]]:
    """Return every registered source."""
    return list(_sources.values())
