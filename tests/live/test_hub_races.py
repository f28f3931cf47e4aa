"""Tests changes, subscribes, resets and departures while a page subscribes: nothing is lost and nothing comes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import pytest
from django.contrib.auth.models import User

from calendar_live.live import deliveries
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from calendar_live.protocol.state import State
from tests.history import head_of, rewrite_history
from tests.live.gates import Gate, held
from tests.live.pages import Page, in_thread
from tests.live.writing import lost_broadcasts, settled, write, write_unheard

pytestmark = pytest.mark.django_db(transaction=True)

# The queries of a page that subscribes: its rights, its calendar's head, and what it missed.
ASKED: Final = {"new": ("standings", "first_head"), "resumes": ("standings", "first_head", "read_since")}
MOMENTS: Final = [(who, name) for who, names in ASKED.items() for name in names]


@pytest.mark.parametrize(("who", "name"), MOMENTS, ids=map(" ".join, MOMENTS))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("lost", [False, True], ids=["heard", "broadcast lost"])
async def test_a_change_committed_while_a_page_subscribes_is_neither_lost_nor_doubled(
    who: str,
    name: str,
    after: bool,
    lost: bool,
    hub: Hub,
    team: Calendar,
    ana: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3. Fails when the page is registered after the log is read.

    Fails, too, when the hub drops changes that arrive in the meantime, or does not compare their states.
    """
    start, resumes = await in_thread(head_of, team), who == "resumes"
    await write(team, ana)
    page = Page(ana)
    subscribing = page.subscribe(hub, team, start, "full.1") if resumes else page.subscribe(hub, team)
    async with held(subscribing, at=Gate(monkeypatch, name, after=after)):
        await (write_unheard if lost else write)(team, ana, 2)
    await hub.check_heads()
    await settled(page, team)
    await write(team, ana)
    await settled(page, team)
    revisions = page.revisions()
    assert revisions == sorted(set(revisions))
    assert not resumes or revisions == [1, 2, 3, 4]
    assert len(page.heard("subscribed")) == 1


During = Callable[[Page, State], AbstractAsyncContextManager[None]]


@pytest.fixture
def during_replay(hub: Hub, team: Calendar, monkeypatch: pytest.MonkeyPatch) -> During:
    """Return a function that holds a page's replay since a state for as long as the context lasts."""

    def hold(page: Page, since: State) -> AbstractAsyncContextManager[None]:
        return held(page.subscribe(hub, team, since, "full.1"), at=Gate(monkeypatch, "read_since", after=True))

    return hold


async def test_a_page_that_unsubscribes_while_it_is_replayed_hears_nothing_more(
    hub: Hub, team: Calendar, ana: User, during_replay: During
) -> None:
    start = await in_thread(head_of, team)
    await write(team, ana)
    page = Page(ana)
    async with during_replay(page, start):
        await hub.unsubscribe(page, str(team.pk))
    await write(team, ana)
    await hub.check_heads()
    assert page.frames == []
    assert hub.calendars_of(page) == []


async def test_of_two_subscribes_that_race_one_is_live_and_nothing_is_doubled(
    hub: Hub, team: Calendar, ana: User, during_replay: During
) -> None:
    start = await in_thread(head_of, team)
    await write(team, ana, 2)
    page = Page(ana)
    async with during_replay(page, start):
        await page.subscribe(hub, team, start, "full.1")
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1, 2, 3]
    assert len(page.heard("subscribed")) == 1


async def test_a_page_reset_while_it_is_replayed_is_reset_once_and_stays_silent(
    hub: Hub, team: Calendar, ana: User, during_replay: During
) -> None:
    """S3: a reset voids pending subscribes. Fails when a subscribe goes on after its subscription was reset."""
    start = await in_thread(head_of, team)
    await write(team, ana)
    page = Page(ana)
    async with during_replay(page, start):
        await hub.apply_rights(page, {str(team.pk): "full.2"})
    await write(team, ana)
    await hub.check_heads()
    assert page.kinds == ["reset rights"]


async def test_a_page_whose_subscribe_finds_another_history_is_reset_once(hub: Hub, team: Calendar, ana: User) -> None:
    """S3. Fails when the subscribe that made the hub notice goes on after every page was reset."""
    await write(team, ana)
    first, second = Page(ana), Page(ana)
    await first.subscribe(hub, team)
    state = await in_thread(head_of, team)
    with lost_broadcasts():
        await in_thread(rewrite_history, team, ana)
    await second.subscribe(hub, team, state, "full.1")
    assert first.kinds == ["subscribed", "reset diverged"]
    assert second.kinds == ["reset diverged"]


async def test_a_page_that_arrives_in_the_middle_of_a_delivery_misses_nothing(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_SOCKETS_PER_TURN", 1)
    pages = [Page(ana) for _ in range(6)]
    for page in pages:
        await page.subscribe(hub, team)
    start = await in_thread(head_of, team)
    late = [Page(ana) for _ in range(6)]
    writing = asyncio.ensure_future(write(team, ana, 5))
    for page in late:
        await page.subscribe(hub, team, start, "full.1")
        await hub.unsubscribe(pages.pop(), str(team.pk))
    await writing
    for page in late:
        await settled(page, team)
        assert page.revisions() == [1, 2, 3, 4, 5]


async def test_a_heartbeat_tells_the_heads_of_live_calendars_alone(
    hub: Hub, team: Calendar, ana: User, during_replay: During
) -> None:
    page = Page(ana)
    assert hub.heads_of(page) == {}
    start = await in_thread(head_of, team)
    await write(team, ana)
    async with during_replay(page, start):
        assert hub.heads_of(page) == {}, "its replay is still to come"
    assert hub.heads_of(page) == {str(team.pk): await in_thread(head_of, team)}
