"""Tests that deliveries do not wait for other sockets' queries when the database is slow to answer these."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from calendar_live import access, changelog, conf
from calendar_live.live import reader
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from testbed.waiting import until
from tests.live.pages import Page, in_thread
from tests.live.writing import SETTLE_SECONDS, write, write_unheard
from tests.people import make_calendar

pytestmark = pytest.mark.django_db(transaction=True)


class Gate:
    """Holds a query in the threads of sockets until it is opened, and counts the calls that wait."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._open = threading.Event()
        self.waiting = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if threading.current_thread().name.startswith("calendar-live"):
            self.waiting += 1
            assert self._open.wait(4 * SETTLE_SECONDS)
        return self._real(*args, **kwargs)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def rights_gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """Yield a gate for the reads of subscribers' standings. It is opened at the end."""
    gate = Gate(access.standings_for)
    yield gate
    gate.open()


async def test_deliveries_go_on_while_every_thread_of_the_sockets_waits_for_the_database(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, rights_gate: Gate
) -> None:
    """Seen failing when `heads`, or `read_missed`, runs in the threads of the sockets."""
    page = Page(ana)
    await page.subscribe(hub, team)
    monkeypatch.setattr(access, "standings_for", rights_gate)
    threads = conf.app.LIVE_THREADS
    others = [asyncio.create_task(Page(ana).subscribe(hub, team)) for _ in range(threads + 1)]
    # Few calls read the standings, however many sockets ask. Other queries of sockets take the threads that are left.
    others += [asyncio.create_task(reader._in_thread(rights_gate, [])) for _ in range(threads)]
    await until(lambda: rights_gate.waiting == threads, what="every thread to wait")
    await write(team, ana)
    await until(lambda: page.revisions() == [1], what="the broadcast", timeout_seconds=SETTLE_SECONDS)
    await write_unheard(team, ana)
    await asyncio.wait_for(hub.check_heads(), SETTLE_SECONDS)
    assert page.revisions() == [1, 2]
    assert not any(other.done() for other in others)
    rights_gate.open()
    await asyncio.gather(*others)


async def test_a_calendar_whose_first_subscriber_is_kept_waiting_holds_up_no_other(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing when `receive`, or the head check, waits for the lock of a calendar whose head is still unknown."""
    page, first = Page(ana), Page(ana)
    await page.subscribe(hub, team)
    other = await in_thread(make_calendar, ana, name="Other")
    gate, real = Gate(changelog.heads), changelog.heads
    monkeypatch.setattr(
        changelog, "heads", lambda calendars: (gate if calendars == [str(other.pk)] else real)(calendars)
    )
    coming = asyncio.create_task(first.subscribe(hub, other))
    try:
        await until(lambda: gate.waiting, what="the head to be asked for")
        await write(other, ana)
        await write(team, ana)
        await until(lambda: page.revisions() == [1], what="the broadcast", timeout_seconds=SETTLE_SECONDS)
        await write_unheard(team, ana)
        await asyncio.wait_for(hub.check_heads(), SETTLE_SECONDS)
        assert page.revisions() == [1, 2]
    finally:
        gate.open()
    await coming


async def test_a_change_announced_before_the_first_head_was_read_is_not_lost(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing when `_serve` ignores `announced`: only the head check would find the change."""
    page = Page(ana)
    await page.subscribe(hub, team)
    other = await in_thread(make_calendar, ana, name="Other")
    real = reader.first_head

    async def late(calendar: str) -> Any:
        head = await real(calendar)
        await write(other, ana)
        await write(team, ana)
        await until(lambda: page.revisions() == [1], what="both broadcasts to be heard")
        return head

    monkeypatch.setattr(reader, "first_head", late)
    latecomer = Page(ana)
    await latecomer.subscribe(hub, other)
    assert latecomer.states == {str(other.pk): str((await reader.heads([str(other.pk)]))[str(other.pk)])}
