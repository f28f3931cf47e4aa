"""Reads a calendar's whole history, and replaces it with another one, as restoring a database does."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from calendar_live import changelog
from calendar_live.models import Calendar, ChangeSet, Entry, WorkItem
from calendar_live.protocol import changes
from calendar_live.protocol.state import State
from tests.people import make_item

Backup = list[tuple[Any, list[Any]]]


def head_of(calendar: Calendar) -> State:
    return Calendar.objects.get(pk=calendar.pk).state


def log_of(calendar: Calendar) -> list[changes.ChangeSet]:
    """Return all change sets of the log after its first row."""
    first = ChangeSet.objects.filter(calendar=calendar).order_by("revision").first()
    assert first is not None
    return list(changelog.read_since(str(calendar.pk), first.state, max_sets=10**4, max_bytes=10**9).change_sets)


def entries_of(calendar: Calendar) -> list[dict[str, bool]]:
    """Return, for each change set, its items by id. True: upserted; False: destroyed."""
    return [
        {entry.item: entry.wire is not None for entry in change_set.entries or ()} for change_set in log_of(calendar)
    ]


def back_up() -> Backup:
    return [(model, list(model.objects.all())) for model in (Calendar, ChangeSet, WorkItem, Entry)]


def put_back(backup: Backup) -> None:
    """Put calendars, items and log back to what they were, as restoring the database from a copy does."""
    for model in (Entry, ChangeSet, WorkItem):
        model.objects.all().delete()
    for model, rows in backup:
        if model is Calendar:
            for row in rows:
                row.save(force_update=True)
        else:
            model.objects.bulk_create(rows)


def go_back(calendar: Calendar) -> None:
    """Put a calendar back to its beginning, as restoring a back-up of that time does."""
    first = ChangeSet.objects.get(calendar=calendar, revision=0)
    Entry.objects.filter(change_set__calendar=calendar).delete()
    ChangeSet.objects.filter(calendar=calendar, revision__gt=0).delete()
    WorkItem.objects.filter(calendar=calendar).delete()
    Calendar.objects.filter(pk=calendar.pk).update(revision=0, nonce=first.nonce)


def rewrite_history(calendar: Calendar, actor: User) -> None:
    """Go back to a calendar's beginning, and make as many changes as there were."""
    times = head_of(calendar).revision
    go_back(calendar)
    for _ in range(times):
        make_item(calendar, actor)
