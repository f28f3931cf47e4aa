"""Makes an existing table live with a live row beside each of its rows: the tested example of docs/architecture.md."""

from uuid import UUID

from calendar_live import changelog
from calendar_live.access import User, require_edit
from calendar_live.schedule.ranges import format_instant
from calendar_live.sources import Source

from .models import Course, LiveCourse


class LiveCourses(Source[LiveCourse]):
    model = LiveCourse

    def event(self, row: LiveCourse) -> dict[str, object]:
        return {"title": row.title, "start": format_instant(row.start), "end": format_instant(row.end)}


def save(calendar_id: UUID, *, actor: User, course: Course) -> None:
    """Save a course, and put it on every screen as it is now."""
    with changelog.change(calendar_id, actor=actor) as change:
        require_edit(actor, calendar_id)
        course.save()
        row = LiveCourse.objects.filter(course=course).first() or LiveCourse(course=course, calendar_id=calendar_id)
        row.title, row.start, row.end = course.title, course.starts_at, course.ends_at
        change.upsert(row)


def cancel(calendar_id: UUID, *, actor: User, course: Course) -> None:
    """Delete a course, and take it off every screen."""
    with changelog.change(calendar_id, actor=actor) as change:
        require_edit(actor, calendar_id)
        row = LiveCourse.objects.get(course=course, calendar=calendar_id)
        change.destroy(row)
        row.delete()
        course.delete()
