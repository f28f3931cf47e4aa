"""Books, renames and cancels rooms on the host site. Each call writes one change set."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from calendar_live import changelog
from calendar_live.schedule.ranges import format_time
from calendar_live.sources import Source
from tests.foreign.models import Booking


class Bookings(Source[Booking]):
    """Returns bookings as event objects."""

    model = Booking

    def event(self, row: Booking) -> dict[str, object]:
        return {
            "title": f"{row.guest} · {row.room}",
            "start": format_time(row.start, all_day=False),
            "end": format_time(row.end, all_day=False),
            "allDay": False,
            "room": row.room,
        }


def book(calendar_id: UUID, *, room: str, guest: str, start: datetime, end: datetime) -> Booking:
    booking = Booking(calendar_id=calendar_id, room=room, guest=guest, start=start, end=end)
    with changelog.change(calendar_id, actor=None) as change:
        change.upsert(booking)
    return booking


def rename(booking: Booking, *, guest: str) -> None:
    with changelog.change(booking.calendar_id, actor=None) as change:
        booking.guest = guest
        change.upsert(booking)


def cancel(booking: Booking) -> None:
    with changelog.change(booking.calendar_id, actor=None) as change:
        Booking.objects.filter(pk=booking.pk).update(deleted_at=timezone.now())
        change.destroy(booking.pk)
