"""Generates random steps that people take with a calendar's items, and takes them through the services."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from hypothesis import strategies as st

from calendar_live.models import Calendar, WorkItem
from calendar_live.services.items import create_item, delete_item, edit_items, restore_items, update_item
from tests.feeds import DAY, HOUR, WEEK

moments = st.integers(-100, 200).map(lambda hours: WEEK.start + hours * HOUR)
spans = st.tuples(moments, st.sampled_from([timedelta(0), HOUR, DAY, 3 * DAY, 20 * DAY]))
visibilities = st.sampled_from(["normal", "private", "secret"])
steps = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "edit", "delete", "delete", "restore"]),
        st.integers(0, 5),
        spans,
        visibilities,
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)
Step = tuple[str, int, tuple[datetime, timedelta], str, bool]


def take(step: Step, calendar: Calendar, who: User) -> None:
    """Take a step. Its number selects the item, among those that exist, or among the deleted ones for a restore."""
    kind, number, (start, length), visibility, flag = step
    rows = WorkItem.objects.filter(calendar=calendar).order_by("created_at")
    alive, dead = list(rows.filter(deleted_at=None)), list(rows.exclude(deleted_at=None))
    those = dead if kind == "restore" else alive
    target = those[number % len(those)] if those else None
    all_day = flag and kind in ("create", "update")
    if all_day:
        start, length = start.replace(hour=0), max(DAY, DAY * length.days)
    fields: dict[str, Any] = {"start": start, "end": start + length, "all_day": all_day, "visibility": visibility}
    if kind == "create":
        parent = None if target is None or flag else target.pk
        create_item(calendar.pk, actor=who, item_id=uuid4(), fields=fields | {"title": "x", "parent_id": parent})
    elif target is None:
        return
    elif kind == "update":
        update_item(calendar.pk, actor=who, item_id=target.pk, changes=fields, expected_state=None)
    elif kind == "edit":
        keys = [one.pk for one in alive[: number + 1]]
        edit_items(calendar.pk, actor=who, changes={key: {"visibility": visibility} for key in keys})
    elif kind == "delete":
        delete_item(calendar.pk, actor=who, item_id=target.pk, children="delete" if flag else "reparent")
    else:
        restore_items(calendar.pk, actor=who, item_ids=[target.pk], expected_state=target.state)
