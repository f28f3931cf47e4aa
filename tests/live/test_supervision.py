"""Tests the hub's tasks: a task that ends in any way runs again, is logged once and counted, and works as before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from calendar_live.live import listener, supervision
from calendar_live.live.hub import Hub
from calendar_live.live.supervision import Supervisor
from calendar_live.models import Calendar
from testbed.waiting import until
from tests.live.pages import Page
from tests.live.writing import settled, write, write_unheard

pytestmark = pytest.mark.django_db(transaction=True)


class KilledError(BaseException):
    """An error that `except Exception` does not catch."""


def counted(task: str) -> float:
    return REGISTRY.get_sample_value("calendar_live_hub_restarts_total", {"task": task}) or 0


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(listener, "_RETRY_SECONDS", 0.05)


def end(name: str) -> None:
    """End a task of the hub, which nothing should do."""
    [task] = [one for one in asyncio.all_tasks() if one.get_name() == name]
    task.cancel()


async def hears(hub: Hub, page: Page, team: Calendar, ana: User) -> None:
    await until(lambda: not hub._listener.unheard, what="the hub to have joined its groups")
    await write(team, ana)
    await settled(page, team)


async def checks(hub: Hub, page: Page, team: Calendar, ana: User) -> None:
    await write_unheard(team, ana)
    await settled(page, team)


async def joins(hub: Hub, page: Page, team: Calendar, ana: User) -> None:
    hub._listener.unheard.add("calendar.none")
    await until(lambda: not hub._listener.unheard, what="the hub to join what it could not")


@pytest.mark.parametrize(("name", "works"), [("listen", hears), ("watch", checks), ("rejoin", joins)])
async def test_a_task_of_the_hub_that_was_ended_runs_again(
    name: str,
    works: Callable[[Hub, Page, Calendar, User], Awaitable[None]],
    team: Calendar,
    ana: User,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Seen failing without the supervisor's callback."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.05 if name == "watch" else 3_600.0}
    hub, page, before = Hub(), Page(ana), counted(name)
    await page.subscribe(hub, team)
    await works(hub, page, team, ana)
    end(name)
    await until(lambda: counted(name) > before, what="the end to be noticed")
    await works(hub, page, team, ana)
    await hub.close()
    assert counted(name) == before + 1, "closing the hub is no failure of its tasks"
    assert caplog.text.count(f"The hub's task '{name}' ended") == 1


async def test_a_task_that_raises_what_nobody_catches_runs_again_and_again(caplog: pytest.LogCaptureFixture) -> None:
    lives = 0

    async def run() -> None:
        nonlocal lives
        lives += 1
        if lives < 4:
            raise KilledError
        await asyncio.Event().wait()

    before = counted("run")
    supervisor = Supervisor({"run": run})
    supervisor.start()
    await until(lambda: lives == 4, what="the fourth life")
    await supervisor.close()
    assert counted("run") == before + 3
    assert "KilledError" in caplog.text, "what it died of is in the log"


async def test_a_task_that_died_before_the_end_does_not_come_back_after_it() -> None:
    lives = 0

    async def run() -> None:
        nonlocal lives
        lives += 1

    before = counted("short")
    supervisor = Supervisor({"short": run})
    supervisor.start()
    await until(lambda: counted("short") > before, what="it to end")
    await supervisor.close()
    seen = lives
    settled_loops = asyncio.get_running_loop().time() + 0.05
    await until(lambda: asyncio.get_running_loop().time() > settled_loops, what="five pauses to pass")
    assert lives == seen


async def test_a_task_that_misses_its_cancellation_ends_all_the_same() -> None:
    """Seen failing with only one cancellation for each task: `close` waited for ever."""
    misses = 3

    async def run() -> None:
        nonlocal misses
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                misses -= 1
                if misses < 0:
                    raise

    supervisor = Supervisor({"hard of hearing": run})
    supervisor.start()
    await asyncio.sleep(0)
    ended, _ = await asyncio.wait({asyncio.create_task(supervisor.close())}, timeout=10)
    misses = 0  # otherwise the end of the test would wait for ever, too
    assert ended
