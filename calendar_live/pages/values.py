"""Converts a work item to what its form shows: wall-clock times of its own zone, and an inclusive last day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ..models import WORDS
from ..protocol.fields import SETTABLE, Field, Kind
from ..protocol.wires import whole
from ..schedule.ranges import parse_date, parse_instant
from ..services.items.fields import defaults
from .wall_time import offsets, to_wall

Values = dict[str, Any]

_NINE: Final = time(9)
_TEN: Final = time(10)
_DAY: Final = timedelta(days=1)


def blank_values() -> Values:
    """Return the form's values for a new item, without its span. Fields that have no default are empty."""
    fresh = defaults()
    return {field.key: fresh.get(field.column, "") for field in SETTABLE if not field.in_span}


def values_of(wire: str) -> Values:
    """Return the form's values for a wire. It must not be a busy block's."""
    item: dict[str, Any] = whole(wire)
    values = {field.key: _typed(field, item[field.name]) for field in SETTABLE if not field.in_span}
    return values | span_values(item["start"], item["end"], all_day=item["allDay"], time_zone=item["timeZone"])


def _typed(field: Field, value: Any) -> Any:
    """Return a field's value on the wire as the form has it."""
    if field.kind is Kind.PARENT:
        return UUID(value) if value else None
    return "" if value is None else value


def span_values(start: str, end: str, *, all_day: bool, time_zone: str) -> Values:
    """Return the form's values for a span whose times are given as on the wire. Raises NotATime."""
    if all_day:
        first, last = parse_date(start), parse_date(end) - _DAY
        return _span(datetime.combine(first, _NINE), datetime.combine(max(first, last), _TEN), True, time_zone)
    return _span(to_wall(parse_instant(start), time_zone), to_wall(parse_instant(end), time_zone), False, time_zone)


def _span(start: datetime, end: datetime, all_day: bool, time_zone: str) -> Values:
    # To the minute, as times are typed. An edge that was not touched is not written, so it keeps its seconds.
    return {
        "all_day": all_day,
        "time_zone": time_zone,
        "start_date": start.date(),
        "start_time": start.time().replace(second=0, fold=0),
        "start_fold": start.fold,
        "end_date": end.date(),
        "end_time": end.time().replace(second=0, fold=0),
        "end_fold": end.fold,
    }


def say(values: Mapping[str, Any], name: str, *, names: Mapping[object, str]) -> str:
    """Return one value as text for people. The name `when` stands for the whole span.

    `names` has the titles of parents and the names of people, by their ids.
    """
    if name == "when":
        return say_when(values)
    value = values[name]
    if name == "parent":
        return names.get(value, "") if value else ""
    if name == "assignees":
        return ", ".join(names.get(key, _("someone who left")) for key in value)
    if name == "tags":
        return ", ".join(value)
    if name == "progress":
        return f"{value} %"
    return str(WORDS[name](value).label) if name in WORDS else str(value)


def say_when(values: Mapping[str, Any]) -> str:
    """Return a span as text for people.

    Unless the span is all-day, the text has its time zone, and the UTC offset of a time that comes twice.
    """
    same_day = values["start_date"] == values["end_date"]
    start, end = (date_format(values[name], "D j M Y") for name in ("start_date", "end_date"))
    if values["all_day"]:
        return (
            _("%(day)s, all day") % {"day": start}
            if same_day
            else _("%(start)s – %(end)s") % {"start": start, "end": end}
        )
    begins, ends = (_say_clock(values, edge) for edge in ("start", "end"))
    end = ends if same_day else f"{end}, {ends}"
    return _("%(start)s – %(end)s (%(zone)s)") % {
        "start": f"{start}, {begins}",
        "end": end,
        "zone": values["time_zone"],
    }


def _say_clock(values: Mapping[str, Any], edge: str) -> str:
    clock = values[f"{edge}_time"]
    known = offsets(values[f"{edge}_date"], clock, values["time_zone"])
    return f"{clock:%H:%M} (UTC{known[values[f'{edge}_fold'] or 0]})" if len(known) > 1 else f"{clock:%H:%M}"
