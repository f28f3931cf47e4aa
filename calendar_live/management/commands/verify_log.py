"""Compare every calendar with its log, and name calendars without an active owner. Writes nothing to the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...changelog.verify import differences
from ...models import Calendar, ownerless


class Command(BaseCommand):
    help = (
        "Fold the log of every calendar and compare it with the tables; name calendars without an owner whose account "
        "is active. The exit code is 1 when there is anything to say."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--calendar", type=UUID, help="only this one")

    def handle(self, *args: Any, **options: Any) -> None:
        calendars = Calendar.objects.filter(deleted_at=None).order_by("created_at", "id")
        if options["calendar"] is not None:
            calendars = calendars.filter(pk=options["calendar"])
            if not calendars:
                raise CommandError("There is no such calendar.")
        count = 0
        for calendar in calendars:
            for difference in differences(calendar.pk):
                count += 1
                self.stderr.write(f"  {calendar.name} ({calendar.pk}): {difference}")
        for calendar in ownerless().filter(pk__in=calendars):
            count += 1
            self.stderr.write(f"  {calendar.name} ({calendar.pk}): It has no owner whose account is active.")
        if count:
            raise CommandError(f"{count} differences.")
        self.stdout.write(f"  {len(calendars)} calendars are what their logs say.")
