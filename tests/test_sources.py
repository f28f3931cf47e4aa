"""Tests the interface that makes a model live: a host's mistake is reported when the model is registered or written."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendar_live import changelog, sources
from calendar_live.models import Calendar, WorkItem
from calendar_live.protocol.state import State
from calendar_live.schedule.ranges import Range
from calendar_live.services.items.source import WorkItems
from tests.people import NINE
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)


def test_work_items_are_registered() -> None:
    assert WorkItem in sources._sources
    assert isinstance(sources.source_of(WorkItem()), WorkItems)


def test_a_model_that_was_not_registered_is_refused_when_it_is_written(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_sources", {})
    before = all_rows()
    row = WorkItem(calendar=team, title="x", start=NINE, end=NINE)
    with pytest.raises(LookupError, match=r"WorkItem has no source: call calendar_live\.sources\.register first"):
        write(team, ana, row)
    assert all_rows() == before


def write(team: Calendar, ana: User, row: WorkItem) -> None:
    with changelog.change(team.pk, actor=ana) as change:
        change.upsert(row)


def test_a_wire_is_of_its_own_row_alone(team: Calendar) -> None:
    """Fails when `event` follows a relation: then a change of another row would make the stored wire wrong."""
    row = WorkItem(
        id=UUID(int=1),
        calendar_id=team.pk,
        title="x",
        start=NINE,
        end=NINE,
        parent_id=UUID(int=2),
        created_by_id=7,
    )
    with CaptureQueriesContext(connection) as asked:
        wire = sources.source_of(row).wire(row, State(1, "0" * 16))
    assert len(asked) == 0
    assert f'"parent":"{UUID(int=2)}"' in wire


def test_a_query_for_rows_gives_the_state_also_without_rows(team: Calendar) -> None:
    state = Calendar.objects.get(pk=team.pk).state
    [row] = sources.source_of(WorkItem()).joined(str(team.pk), Range(NINE, NINE), {})
    assert tuple(row)[:3] == (state.revision, state.nonce, None)
