"""Tests that services run few statements while a calendar's row is locked: as many for three items as for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendar_live.models import WorkItem
from calendar_live.services import calendars, items
from tests.people import NINE, make_calendar, make_item

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS: Final = {"title": "x", "start": NINE, "end": NINE}


class Desk:
    """A calendar with `count` assigned items below a common parent, and as many loose and deleted items."""

    def __init__(self, ana: User, count: int) -> None:
        self.ana, self.count = ana, count
        self.team, self.other = make_calendar(ana), make_calendar(ana, name="Other")
        self.parent = make_item(self.team, ana, title="Parent", assignee_keys=[str(ana.pk)])
        self.items = [
            make_item(self.team, ana, parent_id=self.parent.pk, assignee_keys=[str(ana.pk)]) for _ in range(count)
        ]
        self.loose = [make_item(self.team, ana) for _ in range(count)]
        self.gone = [make_item(self.team, ana) for _ in range(count)]
        keys = [one.pk for one in self.gone]
        self.deletion = items.delete_items(self.team.pk, actor=ana, item_ids=keys).state

    def new(self) -> dict[object, object]:
        return {WorkItem().pk: FIELDS | {"assignee_keys": [str(self.ana.pk)]} for _ in range(self.count)}


DEEDS: Final[dict[str, tuple[Callable[[Desk], object], int]]] = {
    "create many": (
        lambda at: items.create_items(at.team.pk, actor=at.ana, items=at.new()),  # type: ignore[arg-type]
        9,
    ),
    "edit many": (
        lambda at: items.edit_items(
            at.team.pk, actor=at.ana, changes={one.pk: {"title": "y", "assignee_keys": []} for one in at.items}
        ),
        9,
    ),
    "hang many": (
        lambda at: items.edit_items(
            at.team.pk, actor=at.ana, changes={one.pk: {"parent_id": at.items[0].pk} for one in at.loose}
        ),
        10,
    ),
    "delete many": (lambda at: items.delete_items(at.team.pk, actor=at.ana, item_ids=[one.pk for one in at.items]), 8),
    "delete a parent": (lambda at: items.delete_item(at.team.pk, actor=at.ana, item_id=at.parent.pk), 10),
    "delete a parent, its children handed up": (
        lambda at: items.delete_item(at.team.pk, actor=at.ana, item_id=at.parent.pk, children="reparent"),
        10,
    ),
    "restore many": (
        lambda at: items.restore_items(
            at.team.pk, actor=at.ana, item_ids=[one.pk for one in at.gone], expected_state=at.deletion
        ),
        8,
    ),
    "move a parent": (
        lambda at: items.move_item(at.team.pk, actor=at.ana, item_id=at.parent.pk, target_id=at.other.pk),
        17,
    ),
    "rename the calendar": (
        lambda at: calendars.edit_calendar(at.team.pk, actor=at.ana, changes={"name": "z"}),
        6,
    ),
}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", DEEDS)
def test_a_service_runs_few_statements_under_the_lock(name: str, count: int, ana: User) -> None:
    """Seen failing when the members of the calendar or the tree above an item are read for each item.

    Also seen failing with `bulk_update`.
    """
    deed, statements = DEEDS[name]
    desk = Desk(ana, count)
    with CaptureQueriesContext(connection) as heard:
        deed(desk)
    ran = [one["sql"] for one in heard.captured_queries]
    bump = next(number for number, sql in enumerate(ran) if sql.startswith('UPDATE "calendar_live_calendar"'))
    assert not any("calendar_live_workitem" in sql or "calendar_live_changeset" in sql for sql in ran[:bump])
    under_lock = [sql for sql in ran[bump + 1 :] if sql.partition(" ")[0] in ("SELECT", "INSERT", "UPDATE", "DELETE")]
    assert len(under_lock) == statements, "\n".join(under_lock)
    assert not any("CASE WHEN" in sql for sql in under_lock)  # one for each column and row takes ten times as long
