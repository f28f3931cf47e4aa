"""Work items as a source of events: what of a row is on the wire, and by what it can be filtered. Never reads another row."""

from __future__ import annotations

from ...models import WorkItem
from ...schedule.ranges import format_time
from ...sources import Source, register


class WorkItems(Source[WorkItem]):
    """Work items as events."""

    model = WorkItem
    reads = ("assignments",)
    filters = {"work_type": "work_type", "status": "status"}  # noqa: RUF012 - a ClassVar in the base class

    def event(self, row: WorkItem) -> dict[str, object]:
        return {
            "title": row.title,
            "start": format_time(row.start, all_day=row.all_day),
            "end": format_time(row.end, all_day=row.all_day),
            "allDay": row.all_day,
            "timeZone": row.time_zone,
            "color": row.color or None,
            "workType": row.work_type,
            "status": row.status,
            "priority": row.priority,
            "progress": row.progress,
            "visibility": row.visibility,
            "parent": _id_text(row.parent_id),
            "assignees": row.assignee_keys,
            "description": row.description,
            "location": row.location,
            "rrule": row.rrule or None,
            "exdates": row.exdates,
            "seriesId": _id_text(row.series_id),
            "recurrenceId": None if row.recurrence_id is None else format_time(row.recurrence_id, all_day=row.all_day),
            "url": None,
            "createdBy": _id_text(row.created_by_id),
            "updatedBy": _id_text(row.updated_by_id),
        }


def _id_text(value: object) -> str | None:
    return None if value is None else str(value)


register(WorkItems())
