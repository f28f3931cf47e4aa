"""Fill an empty database for a run: signed-in people and items to delete. Print the `Cast` as JSON.

DATABASE_URL=sqlite:///… python -m bench.seed <people> <sessions> <items>
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import django

START = datetime(2026, 11, 23, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cast:
    """Who and what takes part: the session keys of the owner and the viewers, and (id, state) of each item."""

    calendar: str
    owner: str
    viewers: list[str]
    items: list[tuple[str, str]]


def fill(*, people: int, sessions: int, items: int) -> Cast:
    """Migrate, then create a calendar, its owner and viewers, items, and sessions for the viewers in turn."""
    # Models can be imported only now that Django is set up.
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import transaction  # noqa: PLC0415

    from calendar_live.models import Role  # noqa: PLC0415
    from calendar_live.services.calendars import create_calendar, set_role  # noqa: PLC0415
    from calendar_live.services.items import create_item  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    owner = User.objects.create_user("owner")
    calendar = create_calendar("Team", actor=owner, color="#2563eb", time_zone="Asia/Manila")
    viewers = [User.objects.create_user(f"viewer{number}") for number in range(people)]
    for viewer in viewers:
        set_role(calendar, member=viewer, role=Role.VIEWER)
    made = []
    for number in range(items):
        fields = {"title": f"Design review {number}", "start": START, "end": START + timedelta(hours=1)}
        written = create_item(calendar.pk, actor=owner, item_id=uuid4(), fields=fields)
        made.append((str(written.item_id), written.state))
    with transaction.atomic():
        keys = [_session_of(viewers[number % people]) for number in range(sessions)]
    return Cast(str(calendar.pk), _session_of(owner), keys, made)


def _session_of(user: object) -> str:
    """Sign a user in as the sign-in page does, and return the session key."""
    from django.contrib.auth import login  # noqa: PLC0415
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.contrib.sessions.backends.db import SessionStore  # noqa: PLC0415
    from django.http import HttpRequest  # noqa: PLC0415

    assert isinstance(user, User)
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    assert request.session.session_key
    return request.session.session_key


def main(arguments: Sequence[str]) -> None:
    """Fill the database that the environment names."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    people, sessions, items = map(int, arguments)
    json.dump(asdict(fill(people=people, sessions=sessions, items=items)), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
