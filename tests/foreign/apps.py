"""Configures the app of a host site."""

from django.apps import AppConfig
from django.conf import settings


class ForeignConfig(AppConfig):
    name = "tests.foreign"
    label = "foreign"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The unit tests have the table, and register the source themselves where they need it.
        if getattr(settings, "FOREIGN_IS_LIVE", False):
            from calendar_live.sources import register  # noqa: PLC0415 - the apps are ready only now
            from tests.foreign.bookings import Bookings  # noqa: PLC0415

            register(Bookings())
