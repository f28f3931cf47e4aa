"""Tests the hub after the database was restored: every page is reset, and is then right."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from tests.history import back_up, head_of, put_back, rewrite_history
from tests.live.pages import Page, in_thread
from tests.live.writing import settled, write, write_unheard
from tests.people import make_calendar

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("then", [0, 1, 2, 3, 5], ids=lambda count: f"{count} changes after")
async def test_a_restored_database_resets_everyone_and_then_everyone_is_right(
    then: int, hub: Hub, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 6.

    Fails when the hub compares revisions without nonces: it notices nothing if there are as many changes after the
    restoration as before.
    """
    other = await in_thread(make_calendar, ana)
    await write(team, ana, 2)
    backup = await in_thread(back_up)
    pages = [Page(ana), Page(ana), Page(cara)]
    for page in pages:
        await page.subscribe(hub, team)
    await pages[0].subscribe(hub, other)
    await write(team, ana, 3)
    for page in pages:
        await settled(page, team)
    await in_thread(put_back, backup)
    await write_unheard(team, ana, then)
    await hub.check_heads()
    for page in pages:
        assert [(one["calendar"], one["reason"]) for one in page.heard("reset")] == [(str(team.pk), "diverged")]
        await page.subscribe(hub, team)
    await write(team, ana)
    for page in pages:
        await settled(page, team)
        assert len(page.heard("reset")) == 1


async def test_a_page_that_resumes_in_a_restored_database_is_reset(hub: Hub, team: Calendar, ana: User) -> None:
    await write(team, ana, 3)
    state = await in_thread(head_of, team)
    await in_thread(rewrite_history, team, ana)
    page = Page(ana)
    await page.subscribe(hub, team, state, "full.1")
    assert page.kinds == ["reset diverged"]


async def test_a_page_that_comes_before_the_hub_has_noticed_is_right_after_the_head_check(
    hub: Hub, team: Calendar, ana: User
) -> None:
    first = Page(ana)
    backup = await in_thread(back_up)
    await first.subscribe(hub, team)
    await write(team, ana, 2)
    await settled(first, team)
    await in_thread(put_back, backup)
    page = Page(ana)
    await page.subscribe(hub, team)
    await hub.check_heads()
    assert page.kinds[-1] == "reset diverged"
    await page.subscribe(hub, team)
    await write(team, ana)
    await settled(page, team)
