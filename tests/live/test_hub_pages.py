"""Tests pages in the hub: they are told when their rights change, and leave nothing behind when they go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from calendar_live.access import receiver_of
from calendar_live.live import codec
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import delete_calendar, remove_member, set_role
from testbed.waiting import until
from tests.live.pages import Page, in_thread
from tests.live.writing import settled, write
from tests.people import make_calendar

pytestmark = pytest.mark.django_db(transaction=True)


# --- rights ----------------------------------------------------------------------------------------------------------


async def test_a_member_whose_role_changes_is_reset_on_that_calendar_alone(hub: Hub, team: Calendar, ana: User) -> None:
    other = await in_thread(make_calendar, ana)
    page = Page(ana)
    await page.subscribe(hub, team)
    await page.subscribe(hub, other)
    await hub.apply_rights(page, {str(team.pk): "full.2", str(other.pk): "full.1"})
    assert page.heard("reset") == [{"type": "reset", "calendar": str(team.pk), "reason": "rights", "spreadMs": 0}]
    assert hub.calendars_of(page) == [str(other.pk)]


async def test_a_calendar_that_is_deleted_is_withdrawn(hub: Hub, team: Calendar, ana: User) -> None:
    page = Page(ana)
    await page.subscribe(hub, team)
    await in_thread(delete_calendar, team.pk, actor=ana)
    await hub.check_heads()
    await until(lambda: page.heard("rights"), what="the calendar to be withdrawn")
    assert hub.calendars_of(page) == []


async def test_the_users_pages_are_asked_to_check_when_rights_change(
    hub: Hub, team: Calendar, ana: User, cara: User, dan: User
) -> None:
    """Invariant 7. Fails when a change of rights is not broadcast: pages would keep them until the next heartbeat."""
    pages = {user: Page(user) for user in (ana, cara, dan)}
    for page in pages.values():
        await hub.enter(page)
    await in_thread(remove_member, team, member=cara)
    await until(lambda: pages[cara].rechecks, what="cara's page to be asked to check")
    await until(lambda: pages[ana].rechecks, what="ana's page to be told of the people")
    assert pages[dan].rechecks == 0


# --- coming and going ------------------------------------------------------------------------------------------------


async def test_a_hub_leaves_the_group_with_its_last_page(hub: Hub, team: Calendar, ana: User) -> None:
    groups = get_channel_layer().groups
    pages = [Page(ana), Page(ana)]
    for page in pages:
        await hub.enter(page)
        await page.subscribe(hub, team)
    assert set(groups) == {codec.group_of(str(team.pk)), str(receiver_of(ana))}
    assert REGISTRY.get_sample_value("calendar_live_subscriptions") == 2
    await hub.leave(pages[0])
    assert len(groups) == 2
    await hub.leave(pages[1])
    assert set(groups) == {codec.group_of(str(team.pk))}, "who comes back in a moment finds it followed"
    await hub.check_heads()
    assert groups == {}
    assert REGISTRY.get_sample_value("calendar_live_subscriptions") == 0


async def test_pages_that_come_and_go_at_once_leave_the_hub_listening_for_those_who_stayed(
    hub: Hub, team: Calendar, ana: User, cara: User
) -> None:
    async def visit(number: int) -> Page:
        page = Page(ana)
        await hub.enter(page)
        await page.subscribe(hub, team)
        if number % 3:
            await hub.leave(page)
        return page

    stayed = [page for number, page in enumerate(await asyncio.gather(*map(visit, range(12)))) if not number % 3]
    await write(team, ana)
    for page in stayed:
        await settled(page, team)
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    await until(lambda: all(page.rechecks for page in stayed), what="all who stayed to be asked")


class SlowLayer:
    """The in-memory layer, with a gate before it removes a member from a group."""

    def __init__(self) -> None:
        self.layer = get_channel_layer()
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)

    async def group_discard(self, group: str, channel: str) -> None:
        self.reached.set()
        await self.opened.wait()
        await self.layer.group_discard(group, channel)


async def test_a_user_who_reloads_while_the_broker_is_slow_is_still_told_of_their_rights(
    hub: Hub, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7. Fails when the old page may leave the group after the new page has joined it."""
    layer = hub._listener._layer = SlowLayer()
    old, new = Page(ana), Page(ana)
    await hub.enter(old)
    leaving = asyncio.ensure_future(hub.leave(old))
    await layer.reached.wait()
    entering = asyncio.ensure_future(hub.enter(new))
    await asyncio.sleep(0)
    layer.opened.set()
    await asyncio.gather(leaving, entering)
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    await until(lambda: new.rechecks, what="the new page to be asked to check")
