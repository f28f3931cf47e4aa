"""Tests two processes with a real Redis: both hear each change once, and a Redis that dies costs time but no change."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio
from django.contrib.auth.models import User

from calendar_live.live import announcing, codec
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import set_role
from testbed.servers import Redis
from testbed.waiting import until
from tests.live.pages import Page, in_thread
from tests.live.processes import NEVER, pages_on, use_redis
from tests.live.writing import settled, write, write_unheard
from tests.people import make_calendar

pytestmark = pytest.mark.django_db(transaction=True)


async def test_two_processes_hear_each_change_once_and_in_order(hubs: list[Hub], team: Calendar, ana: User) -> None:
    pages = await pages_on(hubs, team, ana)
    await write(team, ana, 5)
    for page in pages:
        await settled(page, team)
        assert page.revisions() == [1, 2, 3, 4, 5]


async def test_both_processes_are_told_of_changed_rights(
    hubs: list[Hub], team: Calendar, ana: User, cara: User
) -> None:
    pages = await pages_on(hubs, team, ana)
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    await until(lambda: all(page.rechecks for page in pages), what="all pages to be asked to check")


async def test_calendars_first_subscribed_at_once_are_all_heard(hubs: list[Hub], ana: User) -> None:
    calendars = [await in_thread(make_calendar, ana) for _ in range(5)]
    pages = [Page(ana) for _ in calendars]
    await asyncio.gather(*(page.subscribe(hubs[1], calendar) for page, calendar in zip(pages, calendars, strict=True)))
    for page, calendar in zip(pages, calendars, strict=True):
        await write(calendar, ana)
        await settled(page, calendar)


async def test_a_redis_that_is_killed_loses_no_change_and_serves_again_when_it_is_back(
    checking_hubs: list[Hub], server: Redis, team: Calendar, ana: User, settings: Any
) -> None:
    """Invariant 5. Fails without `check_heads`, or when a hub does not listen again to a Redis that came back."""
    pages = await pages_on(checking_hubs, team, ana)
    server.kill()
    try:
        await write(team, ana, 3)
        for page in pages:
            await settled(page, team)
    finally:
        server.start()
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"HEAD_CHECK_SECONDS": NEVER}
    client = redis.asyncio.Redis.from_url(server.url)
    group = f"calendar__group__{codec.group_of(str(team.pk))}"

    async def both_listen() -> bool:
        [(_, count)] = await client.pubsub_numsub(group)
        return bool(count == 2)

    await until(both_listen, what="both hubs to listen again")
    await client.aclose()
    # The last head check: from now on, only broadcasts bring changes.
    await asyncio.gather(*(hub.check_heads() for hub in checking_hubs))
    await write(team, ana)
    for page in pages:
        await settled(page, team)
        assert page.revisions() == sorted(set(page.revisions()))


async def test_a_subscription_that_redis_cuts_loses_no_change(
    checking_hubs: list[Hub], server: Redis, team: Calendar, ana: User
) -> None:
    """Invariant 5. Meanwhile, `group_send` succeeds, so only the head check can find the changes."""
    pages = await pages_on(checking_hubs, team, ana)
    client = redis.asyncio.Redis.from_url(server.url)
    try:
        for _ in range(3):
            await client.client_kill_filter(_type="pubsub")
            await write(team, ana)
            for page in pages:
                await settled(page, team)
    finally:
        await client.aclose()
    for page in pages:
        assert page.revisions() == [1, 2, 3]


async def test_a_page_subscribes_while_redis_is_gone_and_hears_by_the_head_check(
    checking_hubs: list[Hub], server: Redis, team: Calendar, ana: User
) -> None:
    server.kill()
    try:
        pages = await pages_on(checking_hubs, team, ana)
        await write_unheard(team, ana, 2)
        for page in pages:
            await settled(page, team)
    finally:
        server.start()


async def test_a_dead_redis_costs_a_writer_a_bounded_time_once(
    server: Redis, team: Calendar, ana: User, settings: Any
) -> None:
    use_redis(server, settings)
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"BROADCAST_PAUSE_SECONDS": 60.0}
    server.kill()
    try:
        await write(team, ana, 3)
        assert announcing.breaker.is_open(0) is True
    finally:
        server.start()
