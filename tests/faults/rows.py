"""Makes many rows at once in the database of the environment: `python -m tests.faults.rows`. Nothing of it is broadcast."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import django


def changes(calendar: UUID, *, times: int) -> dict[str, Any]:
    """Write so many items, in a change of its own each; return the state after."""
    from calendar_live.live import broadcast  # noqa: PLC0415 - only after setup
    from calendar_live.models import Calendar, Membership  # noqa: PLC0415
    from tests.people import make_item  # noqa: PLC0415

    broadcast.breaker.trip(10**12, 0)
    owner = Membership.objects.select_related("user").get(calendar=calendar).user
    for number in range(times):
        make_item(Calendar.objects.get(pk=calendar), owner, title=f"unheard {number}")
    return {"state": str(Calendar.objects.get(pk=calendar).state)}


def items(calendar: UUID, *, times: int) -> dict[str, Any]:
    """Make so many items, an hour apart, in one change; return the state after, and their ids."""
    from calendar_live import changelog  # noqa: PLC0415 - only after setup
    from calendar_live.live import broadcast  # noqa: PLC0415
    from calendar_live.models import Calendar, Membership, WorkItem  # noqa: PLC0415
    from tests.people import NINE  # noqa: PLC0415

    broadcast.breaker.trip(10**12, 0)
    owner = Membership.objects.select_related("user").get(calendar=calendar).user
    rows = [
        WorkItem(
            id=uuid4(),
            calendar_id=calendar,
            title=f"item {number}",
            start=NINE + timedelta(hours=number % 10_000),
            end=NINE + timedelta(hours=number % 10_000 + 1),
            created_by_id=owner.pk,
            updated_by_id=owner.pk,
        )
        for number in range(times)
    ]
    with changelog.change(calendar, actor=owner) as change:
        change.upsert(*rows)
    return {"state": str(Calendar.objects.get(pk=calendar).state), "ids": [str(row.pk) for row in rows]}


def main(arguments: list[str]) -> None:
    """Print what was made, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rows", description=main.__doc__)
    parser.add_argument("what", choices=("changes", "items"))
    parser.add_argument("calendar", type=UUID)
    parser.add_argument("times", type=int)
    told = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    print(json.dumps({"changes": changes, "items": items}[told.what](told.calendar, times=told.times)))


if __name__ == "__main__":
    main(sys.argv[1:])
