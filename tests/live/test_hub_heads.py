"""Tests the head check: it finds changes that no broadcast brought, in one query, even if database or broker fail."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from calendar_live.live import codec, listener, reader
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from tests.live.pages import Page, in_thread
from tests.live.processes import NEVER
from tests.live.writing import settled, write, write_unheard
from tests.people import make_calendar

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_lost_broadcast_is_found_by_the_head_check(hub: Hub, team: Calendar, ana: User) -> None:
    """Invariant 5. Fails without `check_heads`: after the last broadcast is lost, no later message shows the gap."""
    page = Page(ana)
    await page.subscribe(hub, team)
    await write_unheard(team, ana, 3)
    assert page.heard("changes") == []
    before = REGISTRY.get_sample_value("calendar_live_missed_broadcasts_total") or 0
    await hub.check_heads()
    assert page.revisions() == [1, 2, 3]
    assert REGISTRY.get_sample_value("calendar_live_missed_broadcasts_total") == before + 1


async def test_the_head_check_happens_by_itself_and_survives_a_database_that_is_away(
    team: Calendar, ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 5. Fails without the supervised task, or when one failure ends it."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.02}
    hub, page = Hub(), Page(ana)
    try:
        await page.subscribe(hub, team)
        real, failures = reader.heads, iter(range(2))

        async def failing(calendars: Any) -> Any:
            if next(failures, None) is not None:
                raise ConnectionError("the database is away")
            return await real(calendars)

        monkeypatch.setattr(reader, "heads", failing)
        await write_unheard(team, ana)
        await settled(page, team)
        assert next(failures, None) is None
    finally:
        await hub.close()


async def test_the_head_check_is_one_query_for_all_calendars(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(ana)
    for calendar in (team, await in_thread(make_calendar, ana), await in_thread(make_calendar, ana)):
        await page.subscribe(hub, calendar)
    asked: list[set[str]] = []
    real = reader.heads

    async def noted(calendars: Any) -> Any:
        asked.append(set(calendars))
        return await real(calendars)

    monkeypatch.setattr(reader, "heads", noted)
    await hub.check_heads()
    assert [len(calendars) for calendars in asked] == [3]


async def test_a_hub_far_behind_delivers_all_it_missed_in_order(
    hub: Hub, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "MAX_REPLAY_SETS": 2}
    page = Page(ana)
    await page.subscribe(hub, team)
    await write_unheard(team, ana, 7)
    await hub.check_heads()
    assert page.revisions() == list(range(1, 8))


async def test_a_hub_too_far_behind_has_its_pages_start_anew(
    hub: Hub, team: Calendar, ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub would have to keep all that it missed before it may send any of it. Seen failing without a bound."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "MAX_REPLAY_SETS": 2}
    monkeypatch.setattr("calendar_live.live.hub._MOST_PARTS", 3)
    page = Page(ana)
    await page.subscribe(hub, team)
    await write_unheard(team, ana, 7)
    await hub.check_heads()
    assert page.kinds == ["subscribed", "reset bulk"]
    await page.subscribe(hub, team)
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [8]


class StuckLayer:
    """A broker that accepts every request and answers none."""

    async def stuck(self, *_: Any) -> Any:
        await asyncio.Event().wait()

    new_channel = group_add = group_discard = receive = stuck


async def test_a_stuck_broker_does_not_hold_up_the_head_check(
    ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 5: within about a second, even if Redis is dead. Fails when head checks wait for the broker at all."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.05}
    calendars = [await in_thread(make_calendar, ana) for _ in range(4)]
    hub, page = Hub(), Page(ana)
    try:
        for calendar in calendars:
            await page.subscribe(hub, calendar)
        for name in ("_RETRY_SECONDS", "_JOIN_SECONDS"):
            monkeypatch.setattr(listener, name, NEVER)
        hub._listener._layer = StuckLayer()
        hub._listener.unheard |= {codec.group_of(str(calendar.pk)) for calendar in calendars}
        for _ in range(3):
            for calendar in calendars:
                await write_unheard(calendar, ana)
            for calendar in calendars:
                await settled(page, calendar)
    finally:
        await hub.close()
