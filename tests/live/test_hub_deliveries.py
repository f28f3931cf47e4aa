"""Tests deliveries: broadcasts in any order and number are one chain, cut, redacted and encoded for each page."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from calendar_live import changelog
from calendar_live.live import codec
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, Role, WorkItem
from calendar_live.protocol import changes
from calendar_live.protocol.frames import BULK_ENTRIES
from calendar_live.protocol.state import State
from calendar_live.services.calendars import set_role
from calendar_live.services.items import create_items, delete_item, delete_items, update_item
from testbed.waiting import until
from tests.changing import change_in_vain
from tests.history import head_of, log_of
from tests.live.pages import Page, in_thread
from tests.live.writing import settled, write, write_unheard
from tests.people import NINE, make_calendar, make_item, make_user

pytestmark = pytest.mark.django_db(transaction=True)

HOUR: Final = timedelta(hours=1)


# --- one chain -------------------------------------------------------------------------------------------------------

ORDERS: Final = [
    *itertools.permutations([1, 2, 3]),
    (1, 1, 2, 2, 3, 3),
    (3, 1, 2, 3, 1),
    (2, 2, 1, 3),
    (3,),
    (2, 3),
    (1, 3),
]


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "states only"])
async def test_broadcasts_in_any_order_and_number_are_one_chain(
    order: tuple[int, ...], whole: bool, hub: Hub, team: Calendar, ana: User
) -> None:
    """Invariants 3 and 8. Fails when a broadcast is delivered without comparing its `oldState` with the head."""
    page = Page(ana)
    await page.subscribe(hub, team)
    items = await write_unheard(team, ana, 3)
    log = await in_thread(log_of, team)
    for revision in order:
        told = log[revision - 1]
        if not whole:
            told = changes.ChangeSet(told.calendar, told.old, told.new, None)
        await hub.receive(codec.decode(codec.encode(told)))
    await hub.check_heads()
    assert page.revisions() == [1, 2, 3]
    assert page.items[str(team.pk)].keys() == {str(item.pk) for item in items}


async def test_a_broadcast_of_another_history_is_checked_against_the_log_and_dropped(
    hub: Hub, team: Calendar, ana: User
) -> None:
    await write(team, ana)
    page = Page(ana)
    await page.subscribe(hub, team)
    head = await in_thread(head_of, team)
    ghost = changes.ChangeSet(
        str(team.pk), State(head.revision, "0" * 16), State(head.revision + 1, "1" * 16), (changes.Entry("x", None),)
    )
    for told in (ghost, changes.ChangeSet(ghost.calendar, ghost.old, State(head.revision, "2" * 16), ghost.entries)):
        await hub.receive(told)
    assert page.heard("changes") == []
    await write(team, ana)
    await settled(page, team)


async def test_a_hub_goes_on_after_a_message_it_cannot_read(
    hub: Hub, team: Calendar, ana: User, caplog: pytest.LogCaptureFixture
) -> None:
    page = Page(ana)
    await page.subscribe(hub, team)
    layer = get_channel_layer()
    for message in ({"type": codec.MESSAGE_TYPE}, {"type": "unknown"}, {}, {"type": codec.RIGHTS_TYPE}):
        await layer.group_send(codec.group_of(str(team.pk)), message)
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1]
    assert "could not take a message" in caplog.text


async def test_nothing_of_a_rolled_back_write_reaches_a_page(hub: Hub, team: Calendar, ana: User) -> None:
    page = Page(ana)
    await page.subscribe(hub, team)
    await in_thread(change_in_vain, team, ana)
    await hub.check_heads()
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1]


async def test_edits_and_deletions_of_many_end_in_the_picture_of_the_database(
    hub: Hub, team: Calendar, ana: User
) -> None:
    items = await write(team, ana, 6)
    page = Page(ana)
    await page.subscribe(hub, team)
    for item in items[:3]:
        await in_thread(update_item, team.pk, actor=ana, item_id=item.pk, changes={"title": "y"}, expected_state=None)
    await in_thread(delete_items, team.pk, actor=ana, item_ids=[item.pk for item in items[2:5]])
    await settled(page, team)
    assert page.items[str(team.pk)].keys() == {str(item.pk) for item in items[:2]}


# --- what each page is sent ------------------------------------------------------------------------------------------


async def test_a_bulk_change_is_a_reset_for_everyone_on_the_calendar_and_nothing_for_others(
    hub: Hub, team: Calendar, ana: User, cara: User
) -> None:
    other = await in_thread(make_calendar, ana)
    pages = [Page(ana), Page(cara)]
    for page in pages:
        await page.subscribe(hub, team)
    await pages[0].subscribe(hub, other)

    def destroy_many() -> None:
        with changelog.change(team.pk, actor=ana) as change:
            change.destroy(*(UUID(int=number) for number in range(BULK_ENTRIES + 1)))

    await in_thread(destroy_many)
    await until(lambda: all(page.heard("reset") for page in pages), what="a reset for both")
    for page in pages:
        assert [(one["calendar"], one["reason"]) for one in page.heard("reset")] == [(str(team.pk), "bulk")]
    await write(team, ana)
    [item] = await write(other, ana)
    await settled(pages[0], other)
    assert pages[0].items == {str(other.pk): {str(item.pk): item_wire(item)}}


def item_wire(item: WorkItem) -> dict[str, Any]:
    wire: dict[str, Any] = orjson.loads(item.wire)
    return wire


async def test_a_set_too_large_to_broadcast_is_read_from_the_log_and_pushed_in_chunks(
    hub: Hub, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "MAX_BROADCAST_BYTES": 1_000}
    page = Page(ana)
    await page.subscribe(hub, team)
    fields = {"title": "x", "start": NINE, "end": NINE + HOUR, "description": "d" * 10_000}
    await in_thread(create_items, team.pk, actor=ana, items={uuid4(): fields for _ in range(20)})
    await settled(page, team)
    assert len(page.heard("changes")) > 1
    assert {frame["newState"] for frame in page.heard("changes")} == {page.states[str(team.pk)]}
    assert len(page.items[str(team.pk)]) == 20


async def test_a_change_is_encoded_once_for_each_rights_class(
    hub: Hub, team: Calendar, ana: User, ben: User, cara: User
) -> None:
    free = await in_thread(make_user, "free")
    await in_thread(set_role, team, member=free, role=Role.FREEBUSY)
    pages = [Page(user) for user in (ana, ben, cara, free) for _ in range(3)]
    for page in pages:
        await page.subscribe(hub, team)
    before = REGISTRY.get_sample_value("calendar_live_encodings_total") or 0
    await in_thread(make_item, team, ana, visibility="private")
    for page in pages:
        await settled(page, team)
    assert REGISTRY.get_sample_value("calendar_live_encodings_total") == before + 3
    assert len({page.texts[-1] for page in pages}) == 3, "whole, busy, and busy without who did it"


async def test_what_a_receiver_may_not_see_is_an_empty_frame_that_advances_its_chain(
    hub: Hub, team: Calendar, ana: User, cara: User
) -> None:
    """S4. Fails when a hidden change is not sent: the next one would not chain."""
    page = Page(cara)
    await page.subscribe(hub, team)
    await in_thread(make_item, team, ana, title="LEAK", visibility="secret")
    await write(team, ana)
    await settled(page, team)
    assert page.heard("changes")[0]["upserted"] == []
    assert "LEAK" not in "".join(page.texts)


async def test_a_parent_with_its_children_is_one_frame(hub: Hub, team: Calendar, ana: User) -> None:
    [parent] = await write(team, ana)
    children = [await in_thread(make_item, team, ana, parent_id=parent.pk) for _ in range(3)]
    page = Page(ana)
    await page.subscribe(hub, team)
    await in_thread(delete_item, team.pk, actor=ana, item_id=parent.pk)
    await settled(page, team)
    [frame] = page.heard("changes")
    assert set(frame["destroyed"]) == {str(one.pk) for one in (parent, *children)}
