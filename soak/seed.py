"""Fill an empty database for a soak: calendars, items, and signed-in people of every role. Print the `Cast` as JSON.

DATABASE_URL=postgresql://… python -m soak.seed <people> <calendars> <items of each>
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from uuid import uuid4

import django

# The month that every page shows. Items are also written around it, so that they may leave the range and come back.
MONTH_START: Final = datetime(2026, 11, 1, tzinfo=UTC)
MONTH_END: Final = datetime(2026, 12, 1, tzinfo=UTC)
CSRF: Final = "soak" * 8


@dataclass(frozen=True, slots=True)
class Member:
    """A person who takes part, with their cookies and their role in each calendar."""

    name: str
    cookies: str
    roles: dict[str, str]


@dataclass(frozen=True, slots=True)
class Cast:
    """The people who take part, and (id, state) of the items by calendar."""

    members: list[Member]
    items: dict[str, list[tuple[str, str]]]


def role_of(person: int, calendar: int) -> str:
    """Return a person's role in a calendar. Everyone edits some, only reads some, and sees busy blocks in the rest."""
    return ("owner", "editor", "viewer", "editor", "freebusy", "editor")[(person + calendar) % 6]


def fill(*, people: int, calendars: int, items: int) -> Cast:
    """Create people, calendars in which each person has a role, items in and around the month, and sessions."""
    # Models can be imported only now that Django is set up.
    from django.conf import settings  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from calendar_live.models import Role  # noqa: PLC0415
    from calendar_live.services.calendars import create_calendar, set_role  # noqa: PLC0415
    from calendar_live.services.items import create_item  # noqa: PLC0415

    dice = Random(1)
    users = [User.objects.create_user(f"person{number}") for number in range(people)]
    roles: list[dict[str, str]] = [{} for _ in users]
    made: dict[str, list[tuple[str, str]]] = {}
    for number in range(calendars):
        owner = users[next(person for person in range(people) if role_of(person, number) == "owner")]
        calendar = create_calendar(f"Team {number}", actor=owner, color="#2563eb", time_zone="Asia/Manila")
        for person, user in enumerate(users):
            role = role_of(person, number)
            roles[person][str(calendar.pk)] = role
            if user != owner:
                set_role(calendar, member=user, role=Role(role))
        made[str(calendar.pk)] = []
        for _ in range(items):
            start = MONTH_START + timedelta(hours=dice.randrange(-72, 24 * 33))
            visibility = dice.choice(["normal"] * 8 + ["private", "secret"])
            fields = {"title": "Planned", "start": start, "end": start + timedelta(hours=1), "visibility": visibility}
            written = create_item(calendar.pk, actor=owner, item_id=uuid4(), fields=fields)
            made[str(calendar.pk)].append((str(written.item_id), written.state))
    members = []
    for user, own in zip(users, roles, strict=True):
        client = Client()
        client.force_login(user)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookies = f"{settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={CSRF}"
        members.append(Member(user.get_username(), cookies, own))
    return Cast(members, made)


def read(text: str) -> Cast:
    """Return the cast that `main` printed."""
    given = json.loads(text)
    items = {calendar: [(item, state) for item, state in rows] for calendar, rows in given["items"].items()}
    return Cast([Member(**one) for one in given["members"]], items)


def main(arguments: Sequence[str]) -> None:
    """Fill the database that the environment names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    people, calendars, items = map(int, arguments)
    json.dump(asdict(fill(people=people, calendars=calendars, items=items)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
