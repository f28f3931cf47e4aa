"""Makes work items a source: builds the event object of a row, and names the filters of a feed.

An event object is built from its own item alone, never from another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q

from ...models import WorkItem, between_commas, tag_key
from ...protocol.fields import FIELDS, PLACE
from ...schedule.ranges import format_time
from ...sources import Source, register

_ON_THE_WIRE: Final = tuple(
    (field.name, field.column, field.may_be_null) for field in FIELDS if field.name not in PLACE
)


class WorkItems(Source[WorkItem]):
    """The source of work items."""

    model = WorkItem
    reads = ("assignments",)
    filters = {"work_type": "work_type", "status": "status"}  # noqa: RUF012 - a ClassVar in the base class

    def condition(self, parameter: str, values: Iterable[str], *, at: str) -> Q | None:
        if parameter != "tag":
            return super().condition(parameter, values, at=at)
        return reduce(or_, (Q(**{f"{at}tag_keys__contains": between_commas([tag_key(one)])}) for one in values))

    def event(self, row: WorkItem) -> dict[str, object]:
        return {name: _said(getattr(row, column), row, nullable) for name, column, nullable in _ON_THE_WIRE}


def _said(value: object, row: WorkItem, nullable: bool) -> object:
    """Return a column's value for the event object: times and ids as text, and None if there is no value."""
    if isinstance(value, datetime):
        return format_time(value, all_day=row.all_day)
    if nullable:
        return None if value in (None, "") else str(value)
    return value


register(WorkItems())
