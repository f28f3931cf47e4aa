"""Models of the host site, which calendar_live knows nothing about."""

from django.db import models

from calendar_live.models.live import LiveModel


class Booking(LiveModel):
    """A room that somebody has booked."""

    room = models.CharField(max_length=40)
    guest = models.CharField(max_length=80)

    def __str__(self) -> str:
        return f"{self.guest} in {self.room}"


class Course(models.Model):
    """A table that was there before: its keys are numbers, and stay so."""

    title = models.CharField(max_length=80)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.title


class LiveCourse(LiveModel):
    """What calendars show of a course. PROTECT: a course is deleted by `cancel`, or not at all."""

    course = models.OneToOneField(Course, on_delete=models.PROTECT, related_name="live")
    title = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.title
