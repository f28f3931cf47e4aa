"""Changes the cluster's database beside the site: inserts many rows, writes without a broadcast, and holds a lock."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import django
import psycopg

from testbed.cluster import ROOT, Cluster
from tests.faults.people import Program

# The hours between two items, so that a month has few of many items.
HOURS_APART: Final = 10
_ROWS: Final = """
    WITH template AS (SELECT * FROM calendar_live_workitem WHERE id = %(template)s),
    places AS (
        SELECT gen_random_uuid() AS id, template."start" + n * interval '{hours} hours' AS start
        FROM template, generate_series(1, %(count)s) AS n
    )
    INSERT INTO calendar_live_workitem ({columns})
    SELECT {values} FROM template, places RETURNING id
"""
_AS_TEXT: Final = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
_END: Final = "places.start + interval '1 hour'"
_REPLACED: Final = {
    "template.id::text": "places.id::text",
    _AS_TEXT.format('template."start"'): _AS_TEXT.format("places.start"),
    _AS_TEXT.format('template."end"'): _AS_TEXT.format(f"({_END})"),
}


def _wire() -> str:
    wire = "template.wire"
    for old, new in _REPLACED.items():
        wire = f"replace({wire}, {old}, {new})"
    return wire


_OWN: Final = {"id": "places.id", "start": "places.start", "end": _END, "wire": _wire()}


def fill(cluster: Cluster, program: Program, calendar: str, count: int) -> list[str]:
    """Insert a number of items into a calendar, as if they were older than its log. Return their ids."""
    template = program.put(calendar, "one of many").raise_for_status().json()["id"]
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        columns = [
            one.name for one in connection.execute("SELECT * FROM calendar_live_workitem LIMIT 0").description or ()
        ]
        statement = _ROWS.format(
            columns=", ".join(f'"{name}"' for name in columns),
            values=", ".join(_OWN.get(name, f'template."{name}"') for name in columns),
            hours=HOURS_APART,
        )
        told = {"template": template, "count": count}
        made = connection.execute(statement.encode(), told).fetchall()
        connection.execute("ANALYZE calendar_live_workitem")
    return [str(row[0]) for row in made]


def write_unheard(cluster: Cluster, calendar: str, times: int) -> None:
    """Write a number of changes beside the site, without a broadcast to its processes."""
    subprocess.run(_command("write", calendar, str(times)), cwd=ROOT, env=cluster.environ, check=True)


def waiting_for_locks(cluster: Cluster) -> int:
    """Return how many statements wait for a lock."""
    with psycopg.connect(cluster.postgres.url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").fetchone()
    assert found
    return int(found[0])


def rows_read(cluster: Cluster, calendar: str, start: str, end: str) -> int:
    """Return how many rows of items the database reads for an owner's feed."""
    command = _command("read", calendar, "--start", start, "--end", end)
    return int(subprocess.run(command, cwd=ROOT, env=cluster.environ, check=True, capture_output=True).stdout)


@contextmanager
def held_by_a_process_that_stands_still(cluster: Cluster, calendar: str) -> Iterator[None]:
    """Make a process of the site begin a change of a calendar, and then stall for as long as the context lasts."""
    holder = subprocess.Popen(
        _command("hold", calendar), cwd=ROOT, env=cluster.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
        holder.stdin.close()


def _command(what: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.faults.rows", what, *arguments]


def _write(calendar: UUID, times: int) -> None:
    from calendar_live.live import announcing  # noqa: PLC0415 - only after setup
    from calendar_live.models import Calendar, Membership  # noqa: PLC0415
    from tests.people import make_item  # noqa: PLC0415

    announcing.breaker.trip(10**12, 0)
    owner: Any = Membership.objects.select_related("user").get(calendar=calendar).user
    for number in range(times):
        make_item(Calendar.objects.get(pk=calendar), owner, title=f"unheard {number}")


_READ: Final = """
    SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)
    FROM pg_stat_xact_user_tables WHERE relname = 'calendar_live_workitem'
"""


def _read(calendar: UUID, within: tuple[str, str]) -> None:
    from django.db import connection, transaction  # noqa: PLC0415 - only after setup

    from calendar_live.access import standing  # noqa: PLC0415
    from calendar_live.models import Membership  # noqa: PLC0415
    from calendar_live.reading import feed  # noqa: PLC0415
    from calendar_live.schedule.ranges import Range  # noqa: PLC0415

    owner: Any = Membership.objects.select_related("user").get(calendar=calendar).user
    start, end = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in within)
    found: Any = standing(owner, calendar)
    with transaction.atomic(), connection.cursor() as cursor:
        feed._compute(found, feed.Query(Range(start, end)))
        cursor.execute(_READ)
        print(cursor.fetchone()[0])


def _hold(calendar: UUID) -> None:
    from calendar_live import changelog  # noqa: PLC0415 - only after setup

    with changelog.change(calendar, actor=None):
        print("held", flush=True)
        sys.stdin.read()


def main(arguments: list[str]) -> None:
    """Write to a calendar, hold its lock, or read its feed, in a process beside the site."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rows", description=main.__doc__)
    parser.add_argument("what", choices=("write", "hold", "read"))
    parser.add_argument("calendar", type=UUID)
    parser.add_argument("times", type=int, nargs="?", default=1)
    parser.add_argument("--start", default="")
    parser.add_argument("--end", default="")
    told = parser.parse_args(arguments)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    if told.what == "hold":
        _hold(told.calendar)
    elif told.what == "read":
        _read(told.calendar, (told.start, told.end))
    else:
        _write(told.calendar, told.times)


if __name__ == "__main__":
    main(sys.argv[1:])
