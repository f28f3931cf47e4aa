"""Fill an empty site with demo users, calendars and work items. Runs only while DEBUG is on."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ... import conf
from ...access import User
from ...models import Calendar, Priority, Role, WorkType
from ...services.accounts import DEMO_PASSWORD, ensure_user
from ...services.calendars import create_calendar, set_role
from ...services.items import create_items

PEOPLE = {
    "ana": ("Ana", Role.OWNER, "owner: may do everything"),
    "ben": ("Ben", Role.EDITOR, "editor: may change work items"),
    "cara": ("Cara", Role.VIEWER, "viewer: may read"),
    "dan": ("Dan", None, "member of nothing"),
}
SEED = UUID("5eed0000-0000-4000-8000-000000000000")
ZONE = "Asia/Manila"
CALENDARS = {"Team": "#2563eb", "Projects": "#7c3aed", "Holidays": "#c2410c"}

PROJECTS = (
    ("Website relaunch", ("Content", "Design", "Build", "Launch")),
    ("Warehouse move", ("Survey", "Contracts", "Packing", "Transport")),
    ("Payroll migration", ("Data clean-up", "Parallel run", "Training")),
    ("Annual audit", ("Evidence", "Interviews", "Report")),
    ("Mobile app", ("Research", "Prototype", "Beta", "Store release")),
)
TASKS = ("Collect requirements", "Write a draft", "Review", "Fix open points", "Test with users", "Hand over")
MEETINGS = (
    ("Stand-up", 9, 15),
    ("Planning", 10, 60),
    ("Design review", 13, 45),
    ("One to one", 15, 30),
    ("Customer call", 16, 60),
    ("Retrospective", 17, 45),
)
PLACES = ("Room Mayon", "Room Taal", "Room Apo", "Video call", "")

TAGS_OF = {
    "Customer call": ["Customer"],
    "Planning": ["Internal", "Weekly"],
    "Retrospective": ["Internal"],
    "Annual audit": ["Finance"],
    "Payroll migration": ["Finance", "Internal"],
}
LINKS = {"Customer call": "https://example.org/call", "Planning": "https://example.org/agenda"}

Items = dict[UUID, dict[str, Any]]


class Command(BaseCommand):
    help = "Make demo users, calendars and about 300 work items around today, unless they are there already."

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.debug():
            raise CommandError("The demo has well-known passwords: it is for DEBUG=1 only.")
        people = {name: ensure_user(name, password=DEMO_PASSWORD, first_name=PEOPLE[name][0]) for name in PEOPLE}
        if not Calendar.objects.filter(pk=uuid5(SEED, "Team")).exists():
            self._fill(people)
        self.stdout.write("\n  Sign in with the password `demo` as:")
        for name, (_, _, what) in PEOPLE.items():
            self.stdout.write(f"    {name:<6}{what}")

    def _fill(self, people: Mapping[str, User]) -> None:
        ana = people["ana"]
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        calendars = {}
        for name, color in CALENDARS.items():
            made = create_calendar(name, actor=ana, color=color, time_zone=ZONE, calendar_id=uuid5(SEED, name))
            calendars[name] = made
            for user, (_, role, _) in PEOPLE.items():
                if role is not None:
                    set_role(made, member=people[user], role=role)
        for level in _project_levels(today):
            create_items(calendars["Projects"].pk, actor=ana, items=level)
        create_items(calendars["Team"].pk, actor=people["ben"], items=_meetings(today))
        years = ",".join(str(today.year + offset) for offset in (-1, 0, 1))
        call_command(
            "import_holidays", country="PH", years=years, calendar=str(calendars["Holidays"].pk), stdout=self.stdout
        )


def _likely(start: datetime, end: datetime, today: datetime) -> tuple[str, ...]:
    """Return the statuses to choose from for an item, depending on whether it is over, under way or still to come."""
    if end <= today:
        return (*["completed"] * 7, "cancelled", "blocked")
    if start <= today:
        return ("in_progress", "in_progress", "at_risk", "blocked")
    return (*["not_started"] * 7, "in_progress", "at_risk", "cancelled")


def _project_levels(today: datetime) -> Iterator[Items]:
    """Yield projects, then their activities, then their tasks: parents must be created before their children."""
    dice = random.Random(1)  # noqa: S311 - the same demo every time
    projects: Items = {}
    activities: Items = {}
    tasks: Items = {}
    for number, (project, parts) in enumerate(PROJECTS):
        project_id = uuid5(SEED, project)
        begin = today + timedelta(days=number * 14 - 38)
        whole = timedelta(days=7 * len(parts) - 2)
        projects[project_id] = _item(project, begin, whole, WorkType.PROJECT, dice, today) | {"all_day": True}
        for index, part in enumerate(parts):
            activity_id = uuid5(project_id, part)
            first = begin + timedelta(days=7 * index)
            activity = _item(f"{project}: {part}", first, timedelta(days=5), WorkType.ACTIVITY, dice, today)
            activities[activity_id] = activity | {"all_day": True, "parent_id": project_id}
            for step, task in enumerate(TASKS):
                start = first + timedelta(days=step % 5, hours=1 + step)
                length = timedelta(hours=dice.choice((1, 2, 3)))
                made = _item(f"{task} ({part.lower()})", start, length, WorkType.TASK, dice, today)
                tasks[uuid5(activity_id, task)] = made | {"parent_id": activity_id}
    yield from (projects, activities, tasks)


def _meetings(today: datetime) -> Items:
    dice = random.Random(2)  # noqa: S311 - the same demo every time
    made: Items = {}
    for day in range(-45, 61):
        when = today + timedelta(days=day)
        if when.weekday() < 5:
            for title, hour, minutes in dice.sample(MEETINGS, k=1 if day % 2 else 2):
                start = when + timedelta(hours=hour - 8)  # Manila is eight hours ahead of UTC
                meeting = _item(title, start, timedelta(minutes=minutes), WorkType.MEETING, dice, today)
                made[uuid5(SEED, f"{title} {start}")] = meeting | {"location": dice.choice(PLACES)}
    return made


def _item(
    title: str, start: datetime, length: timedelta, kind: WorkType, dice: random.Random, today: datetime
) -> dict[str, Any]:
    status = dice.choice(_likely(start, start + length, today))
    progress = {"completed": 100, "not_started": 0, "cancelled": 0}.get(status, dice.randrange(10, 95, 5))
    return {
        "title": title,
        "start": start,
        "end": start + length,
        "work_type": kind.value,
        "status": status,
        "priority": dice.choice(Priority.values),
        "progress": progress,
        "time_zone": ZONE,
        "tags": TAGS_OF.get(title, []),
        "url": LINKS.get(title, ""),
    }
