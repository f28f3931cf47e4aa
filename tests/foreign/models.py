"""A model that calendar_live knows nothing of."""

from django.db import models

from calendar_live.models.live import LiveModel


class Booking(LiveModel):
    """A room that somebody has booked."""

    room = models.CharField(max_length=40)
    guest = models.CharField(max_length=80)

    def __str__(self) -> str:
        return f"{self.guest} in {self.room}"
