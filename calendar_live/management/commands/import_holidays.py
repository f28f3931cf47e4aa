"""Import a country's public holidays into a calendar. Running it again imports nothing twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ... import wording
from ...errors import CalendarLiveError
from ...models import Calendar, WorkItem
from ...schedule.ranges import EARLIEST, LATEST, date_to_instant
from ...services.items import create_items
from ...services.roles import owners

HOLIDAYS = UUID("601da750-0000-4000-8000-000000000000")


class Command(BaseCommand):
    help = "Import the public holidays of a country (from the PyPI package `holidays`) as all-day work items."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--country", required=True, help="ISO 3166 code, as PH")
        parser.add_argument("--years", required=True, help="as 2026 or 2026,2027 or 2026-2028")
        parser.add_argument("--calendar", default="Holidays", help="id or name of the calendar (default: Holidays)")

    def handle(self, *args: Any, **options: Any) -> None:
        calendar = _calendar(options["calendar"])
        wanted = _holidays(calendar, options["country"].upper(), _years(options["years"]))
        known = set(WorkItem.objects.filter(pk__in=list(wanted)).values_list("pk", flat=True))
        new = {key: fields for key, fields in wanted.items() if key not in known}
        owner = owners(calendar.pk).select_related("user").order_by("pk").first()
        if owner is None:
            raise CommandError(f"The calendar {calendar} has no owner whose account is active, to write as.")
        try:
            made = create_items(calendar.pk, actor=owner.user, items=new) if new else 0
        except CalendarLiveError as failure:
            raise CommandError(wording.whole(failure)) from failure
        self.stdout.write(f"  {made} holidays imported into {calendar}, {len(known)} were there.")


def _calendar(name: str) -> Calendar:
    try:
        found = list(Calendar.objects.filter(pk=UUID(name)))
    except ValueError:
        found = list(Calendar.objects.filter(name=name))
    if len(found) != 1:
        raise CommandError(f"{len(found)} calendars are called {name!r}: name one by its id.")
    return found[0]


def _years(text: str) -> list[int]:
    wrong = CommandError(
        f"--years {text!r}: write 2026 or 2026,2027 or 2026-2028, from {EARLIEST.year} to {LATEST.year - 1}."
    )
    try:
        parts = [int(part) for part in text.split("-" if "-" in text else ",")]
    except ValueError as error:
        raise wrong from error
    if any(not EARLIEST.year <= year < LATEST.year for year in parts):
        raise wrong
    if "-" not in text:
        return parts
    if len(parts) != 2 or parts[0] > parts[1]:
        raise wrong
    return list(range(parts[0], parts[1] + 1))


def _holidays(calendar: Calendar, country: str, years: list[int]) -> dict[UUID, dict[str, Any]]:
    """Return work items by id. The same holiday of the same calendar always has the same id."""
    try:
        import holidays  # noqa: PLC0415 - part of the extra `site`, which the app does not need
    except ImportError as error:
        raise CommandError("Install the package `holidays` first.") from error
    try:
        days = holidays.country_holidays(country, years=years)
    except NotImplementedError as error:
        raise CommandError(f"The package `holidays` does not know the country {country!r}.") from error
    return {
        uuid5(HOLIDAYS, f"{calendar.pk} {country} {day} {name}"): {
            "title": name,
            "start": date_to_instant(day),
            "end": date_to_instant(day + timedelta(days=1)),
            "all_day": True,
            "work_type": "activity",
            "time_zone": calendar.time_zone,
        }
        for day in sorted(days)
        for name in days.get_list(day)
    }
