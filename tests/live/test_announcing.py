"""Tests that a change is announced at once and whole, in bounded time, and that a failure costs its writer little."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers, get_channel_layer
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from prometheus_client import REGISTRY

from calendar_live import changelog, conf
from calendar_live.live import announcing, codec
from calendar_live.models import Calendar, WorkItem
from calendar_live.services.calendars import create_calendar
from tests.changing import change_in_vain
from tests.live.pages import in_thread
from tests.people import NINE, make_item

# --- a layer that fails ----------------------------------------------------------------------------------------------


class StuckLayer(InMemoryChannelLayer):  # type: ignore[misc]  # channels ships no types
    """Accepts every message, and makes its sender wait for ever."""

    sends = 0  # of change sets only: meanwhile, a thread sends notices of rights again that failed

    async def group_send(self, group: str, message: Any) -> None:
        self.sends += group.startswith("calendar.")
        await asyncio.Event().wait()


class FailingLayer(StuckLayer):
    """Refuses every message."""

    async def group_send(self, group: str, message: Any) -> None:
        self.sends += group.startswith("calendar.")
        raise ConnectionError("the broker is gone")


@pytest.fixture(params=[StuckLayer, FailingLayer])
def bad_layer(request: pytest.FixtureRequest) -> Iterator[StuckLayer]:
    layer = request.param()
    channel_layers.set("default", layer)
    yield layer
    channel_layers.backends.clear()


def counted(result: str) -> float:
    return REGISTRY.get_sample_value("calendar_live_broadcasts_total", {"result": result}) or 0


@pytest.mark.django_db(transaction=True)
def test_a_dead_broker_costs_one_request_a_quarter_second_and_fails_none(
    bad_layer: StuckLayer, team: Calendar, ana: User, settings: Any
) -> None:
    """Invariant 5 and design §3. Fails without the time-out (for ever), or the breaker (each request pays)."""
    settings.CALENDAR_LIVE = {"BROADCAST_PAUSE_SECONDS": 3_600.0}
    announcing.breaker.reset()
    bad_layer.sends = 0
    failed, paused = counted("failed"), counted("paused")
    for _ in range(4):
        make_item(team, ana)
    assert bad_layer.sends == 1
    assert (counted("failed") - failed, counted("paused") - paused) == (1, 3)
    assert WorkItem.objects.count() == 4


def test_the_time_a_broken_broker_may_cost_is_a_quarter_second() -> None:
    assert conf.DEFAULTS["BROADCAST_TIMEOUT_SECONDS"] == 0.25


@pytest.mark.django_db(transaction=True)
def test_broadcasts_are_tried_again_after_the_pause(
    bad_layer: StuckLayer, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"BROADCAST_PAUSE_SECONDS": 0.0, "BROADCAST_TIMEOUT_SECONDS": 0.01}
    announcing.breaker.reset()
    bad_layer.sends = 0
    for _ in range(3):
        make_item(team, ana)
    assert bad_layer.sends == 3


NOW: Final = 1_000.0


@pytest.mark.django_db(transaction=True)
def test_a_site_without_a_layer_writes_as_ever(team: Calendar, ana: User, settings: Any) -> None:
    settings.CHANNEL_LAYERS = {}
    make_item(team, ana)
    assert WorkItem.objects.count() == 1


# --- when, and from where --------------------------------------------------------------------------------------------


class Listener:
    """A member of a calendar's group, on this event loop."""

    def __init__(self) -> None:
        self.layer = get_channel_layer()
        self.name = ""

    async def join(self, calendar: Calendar) -> None:
        self.name = await self.layer.new_channel()
        await self.layer.group_add(codec.group_of(str(calendar.pk)), self.name)

    def waiting(self) -> int:
        queue = self.layer.channels.get(self.name)
        return 0 if queue is None else int(queue.qsize())


@pytest.mark.django_db(transaction=True)
async def test_a_change_is_sent_once_to_the_group_and_only_after_commit(team: Calendar, ana: User) -> None:
    """Invariant 9. Fails when the signal is sent within the transaction."""
    listener = Listener()
    await listener.join(team)
    seen: list[int] = []

    def write() -> None:
        with transaction.atomic():
            with changelog.change(team.pk, actor=ana) as change:
                change.upsert(WorkItem(calendar=team, title="x", start=NINE, end=NINE))
            seen.append(listener.waiting())

    await in_thread(write)
    assert seen == [0]
    message = await listener.layer.receive(listener.name)
    assert message["type"] == codec.MESSAGE_TYPE
    assert listener.waiting() == 0


@pytest.mark.django_db(transaction=True)
async def test_a_rolled_back_change_is_sent_to_nobody(team: Calendar, ana: User) -> None:
    listener = Listener()
    await listener.join(team)
    await in_thread(change_in_vain, team, ana)
    assert listener.waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_a_command_without_an_event_loop_sends_its_changes(ana: User) -> None:
    create_calendar("Holidays", actor=ana)
    sent, failed = counted("sent"), counted("failed")
    call_command("import_holidays", country="PH", years="2026", verbosity=0)
    assert (counted("sent"), counted("failed")) == (sent + 1, failed)


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_raises_fails_neither_the_write_nor_the_others(team: Calendar, ana: User) -> None:
    def raise_always(**_: Any) -> None:
        raise ZeroDivisionError

    changelog.change_committed.connect(raise_always)
    try:
        sent = counted("sent")
        make_item(team, ana)
        assert counted("sent") == sent + 1
    finally:
        changelog.change_committed.disconnect(raise_always)
