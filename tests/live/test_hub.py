"""The hub: whatever is lost, doubled, late or raced, each page hears each change once and in order, or is told to start anew."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.utils import timezone
from prometheus_client import REGISTRY

from calendar_live import changelog
from calendar_live.access import receiver_of, standing
from calendar_live.live import broadcast, reader
from calendar_live.live import hub as hub_module
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, ChangeSet, Entry, Role, WorkItem
from calendar_live.protocol import changes
from calendar_live.protocol.frames import BULK_ENTRIES
from calendar_live.protocol.state import State
from calendar_live.services.bulk import delete_items
from calendar_live.services.calendars import delete_calendar, remove_member, set_role
from calendar_live.services.work_items import create_items, delete_item, update_item
from tests.live.pages import Page, in_thread
from tests.people import NINE, make_calendar, make_item, make_user
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

HOUR: Final = timedelta(hours=1)


def head_of(calendar: Calendar) -> State:
    return Calendar.objects.get(pk=calendar.pk).state


def log_of(calendar: Calendar) -> list[changes.ChangeSet]:
    first = ChangeSet.objects.filter(calendar=calendar).order_by("revision").first()
    assert first is not None
    return list(changelog.read_since(str(calendar.pk), first.state, max_sets=10**4, max_bytes=10**9).change_sets)


async def write(calendar: Calendar, actor: User, times: int = 1) -> list[WorkItem]:
    """Make so many items, each in a change of its own, broadcast as from a view."""
    return [await in_thread(make_item, calendar, actor) for _ in range(times)]


@contextmanager
def lost_broadcasts() -> Iterator[None]:
    """Let no broadcast through."""
    broadcast.breaker.trip(10**12, 0)
    try:
        yield
    finally:
        broadcast.breaker.reset()


async def write_unheard(calendar: Calendar, actor: User, times: int = 1) -> list[WorkItem]:
    """Make items whose broadcasts are lost."""
    with lost_broadcasts():
        return await write(calendar, actor, times)


async def access_of(user: User, calendar: Calendar) -> str:
    return str((await in_thread(standing, user, calendar.pk)).access)


async def settled(page: Page, calendar: Calendar) -> None:
    """Wait until a page is where the database is, and the items it heard of are those that are there."""
    head = str(await in_thread(head_of, calendar))
    await until(lambda: page.states.get(str(calendar.pk)) == head, what=f"the page to reach {head}")


# --- subscribing -----------------------------------------------------------------------------------------------------


async def test_a_page_that_subscribes_hears_from_now_on(hub: Hub, team: Calendar, ana: User) -> None:
    await write(team, ana)
    page = Page(ana)
    await page.subscribe(hub, team)
    before = await in_thread(head_of, team)
    assert page.frames == [
        {"type": "subscribed", "id": 1, "calendar": str(team.pk), "state": str(before), "access": "full.1"}
    ]
    [item] = await write(team, ana)
    await settled(page, team)
    [pushed] = page.heard("changes")
    assert [one["id"] for one in pushed["upserted"]] == [str(item.pk)]
    assert pushed["actor"] == {"id": str(ana.pk), "name": "Ana"}


async def test_a_page_that_returns_hears_what_it_missed_then_that_it_is_subscribed_then_the_rest(
    hub: Hub, team: Calendar, ana: User
) -> None:
    start = await in_thread(head_of, team)
    await write(team, ana, 3)
    page = Page(ana)
    await page.subscribe(hub, team, start, "full.1")
    assert page.kinds == ["changes", "changes", "changes", "subscribed"]
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1, 2, 3, 4]


async def test_a_replay_is_redacted_by_the_rights_of_now(hub: Hub, team: Calendar, ana: User, cara: User) -> None:
    """Invariant 7. Fails when replays are sent as they are in the log."""
    start = await in_thread(head_of, team)
    for visibility in ("normal", "private", "secret"):
        await in_thread(make_item, team, ana, title="LEAK", visibility=visibility)
    await in_thread(set_role, team, member=cara, role=Role.FREEBUSY)
    page = Page(cara)
    await page.subscribe(hub, team, start, await access_of(cara, team))
    assert page.revisions() == [1, 2, 3]
    assert "LEAK" not in "".join(page.texts)
    await in_thread(make_item, team, ana, title="LEAK")
    await settled(page, team)
    assert "LEAK" not in "".join(page.texts)
    assert all(one.get("busy") is True for one in page.items[str(team.pk)].values())


@pytest.mark.parametrize("known", [True, False], ids=["a calendar of others", "no calendar"])
async def test_a_stranger_cannot_tell_a_calendar_from_none(known: bool, hub: Hub, team: Calendar, dan: User) -> None:
    page = Page(dan)
    await page.subscribe(hub, team if known else Calendar(id=uuid4()))
    [refused] = page.frames
    assert refused == {
        "type": "error",
        "id": 1,
        "code": "forbidden",
        "detail": "There is no such calendar that you may see.",
    }
    assert hub.calendars_of(page) == []


async def elsewhere(calendar: Calendar, ana: User, case: str) -> State:
    """Return a state that cannot be verified."""
    states = [await in_thread(head_of, calendar)]
    for _ in range(3):
        await write(calendar, ana)
        states.append(await in_thread(head_of, calendar))
    if case == "pruned":
        await in_thread(changelog.prune, before=timezone.now() + timedelta(days=1))
        return states[1]
    if case == "another nonce":
        return State(2, "0" * 16)
    return State(1_000, "0" * 16)


@pytest.mark.parametrize(
    ("case", "reason"), [("pruned", "pruned"), ("another nonce", "diverged"), ("ahead of the log", "diverged")]
)
async def test_a_state_that_cannot_be_verified_is_reset_and_never_replayed_in_part(
    case: str, reason: str, hub: Hub, team: Calendar, ana: User
) -> None:
    """Invariant 6. Fails when read_since does not compare the nonce."""
    state = await elsewhere(team, ana, case)
    page = Page(ana)
    await page.subscribe(hub, team, state, "full.1")
    assert page.kinds == [f"reset {reason}"]
    await write(team, ana)
    await hub.look_at_heads()
    assert page.kinds == [f"reset {reason}"], "silent until it subscribes again"
    await page.subscribe(hub, team)
    await write(team, ana)
    await settled(page, team)


@pytest.mark.parametrize("access", [None, "full.2", "shared.1", "freebusy.1"])
async def test_a_picture_made_with_other_rights_is_reset(
    access: str | None, hub: Hub, team: Calendar, ana: User
) -> None:
    """Invariant 7, S5. Fails when `access` is not compared."""
    start = await in_thread(head_of, team)
    await write(team, ana)
    page = Page(ana)
    await page.subscribe(hub, team, start, access)
    assert page.kinds == ["reset rights"]


async def test_a_page_too_far_behind_is_reset(hub: Hub, team: Calendar, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "MAX_REPLAY_SETS": 3}
    start = await in_thread(head_of, team)
    await write(team, ana, 3)
    near = Page(ana)
    await near.subscribe(hub, team, start, "full.1")
    assert near.revisions() == [1, 2, 3]
    await write(team, ana)
    far = Page(ana)
    await far.subscribe(hub, team, start, "full.1")
    assert far.kinds == ["reset bulk"]


# --- between authorise and live --------------------------------------------------------------------------------------


class Gate:
    """Holds one call of a reader's function, before or after it asked the database, until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, *, after: bool) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        real = getattr(reader, name)

        async def gated(*args: Any, **kwargs: Any) -> Any:
            monkeypatch.setattr(reader, name, real)
            answer = await real(*args, **kwargs) if after else None
            self.reached.set()
            await self.opened.wait()
            return answer if after else await real(*args, **kwargs)

        monkeypatch.setattr(reader, name, gated)


MOMENTS: Final = [(name, after) for name in ("standing", "heads", "read_since") for after in (False, True)]


@pytest.mark.parametrize(("name", "after"), MOMENTS, ids=[f"{'after' if a else 'before'} {n}" for n, a in MOMENTS])
@pytest.mark.parametrize("lost", [False, True], ids=["heard", "broadcast lost"])
@pytest.mark.parametrize("resumes", [False, True], ids=["new", "resumes"])
async def test_a_change_committed_while_a_page_subscribes_is_neither_lost_nor_doubled(
    name: str,
    after: bool,
    lost: bool,
    resumes: bool,
    hub: Hub,
    team: Calendar,
    ana: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3. Fails when the page is registered after the log is read, or what arrived meanwhile is dropped, or not compared."""
    start = await in_thread(head_of, team)
    await write(team, ana)
    page = Page(ana)
    gate = Gate(monkeypatch, name, after=after)
    if resumes:
        subscribing = asyncio.ensure_future(page.subscribe(hub, team, start, "full.1"))
    else:
        subscribing = asyncio.ensure_future(page.subscribe(hub, team))
    passing = asyncio.ensure_future(gate.reached.wait())
    await asyncio.wait({passing, subscribing}, return_when=asyncio.FIRST_COMPLETED)
    await (write_unheard if lost else write)(team, ana, 2)
    gate.opened.set()
    await subscribing
    passing.cancel()
    await hub.look_at_heads()
    await settled(page, team)
    await write(team, ana)
    await settled(page, team)
    revisions = page.revisions()
    assert revisions == sorted(set(revisions))
    assert not resumes or revisions == [1, 2, 3, 4]
    assert len(page.heard("subscribed")) == 1


async def test_a_page_that_unsubscribes_while_it_is_replayed_hears_nothing_more(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await in_thread(head_of, team)
    await write(team, ana)
    page = Page(ana)
    gate = Gate(monkeypatch, "read_since", after=True)
    subscribing = asyncio.ensure_future(page.subscribe(hub, team, start, "full.1"))
    await gate.reached.wait()
    await hub.unsubscribe(page, str(team.pk))
    gate.opened.set()
    await subscribing
    await write(team, ana)
    await hub.look_at_heads()
    assert page.frames == []
    assert hub.calendars_of(page) == []


async def test_of_two_subscribes_that_race_one_is_live_and_nothing_is_doubled(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await in_thread(head_of, team)
    await write(team, ana, 2)
    page = Page(ana)
    gate = Gate(monkeypatch, "read_since", after=True)
    first = asyncio.ensure_future(page.subscribe(hub, team, start, "full.1"))
    await gate.reached.wait()
    await page.subscribe(hub, team, start, "full.1")
    gate.opened.set()
    await first
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1, 2, 3]
    assert len(page.heard("subscribed")) == 1


async def test_a_page_reset_while_it_is_replayed_is_reset_once_and_stays_silent(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3: pending subscribes are void after a reset. Fails when a subscribe goes on after its subscription was reset."""
    start = await in_thread(head_of, team)
    await write(team, ana)
    page = Page(ana)
    gate = Gate(monkeypatch, "read_since", after=True)
    subscribing = asyncio.ensure_future(page.subscribe(hub, team, start, "full.1"))
    await gate.reached.wait()
    await hub.apply_rights(page, {str(team.pk): "full.2"})
    gate.opened.set()
    await subscribing
    await write(team, ana)
    await hub.look_at_heads()
    assert page.kinds == ["reset rights"]


async def test_a_page_whose_subscribe_finds_another_history_is_reset_once(hub: Hub, team: Calendar, ana: User) -> None:
    """S3. Fails when the subscribe that made the hub notice goes on after everyone was reset."""
    await write(team, ana)
    first, second = Page(ana), Page(ana)
    await first.subscribe(hub, team)
    state = await in_thread(head_of, team)
    with lost_broadcasts():
        await in_thread(rewrite_history, team, ana)
    await second.subscribe(hub, team, state, "full.1")
    assert first.kinds == ["subscribed", "reset diverged"]
    assert second.kinds == ["reset diverged"]


# --- deliveries ------------------------------------------------------------------------------------------------------


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
        await hub.receive(broadcast.decode(broadcast.encode(told)))
    await hub.look_at_heads()
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


async def test_a_lost_broadcast_is_found_by_the_look_at_the_heads(hub: Hub, team: Calendar, ana: User) -> None:
    """Invariant 5. Fails without `look_at_heads`: tail loss has no next message to show the gap."""
    page = Page(ana)
    await page.subscribe(hub, team)
    await write_unheard(team, ana, 3)
    assert page.heard("changes") == []
    before = REGISTRY.get_sample_value("calendar_live_missed_broadcasts_total") or 0
    await hub.look_at_heads()
    assert page.revisions() == [1, 2, 3]
    assert REGISTRY.get_sample_value("calendar_live_missed_broadcasts_total") == before + 1


async def test_the_look_happens_by_itself_and_survives_a_database_that_is_away(
    team: Calendar, ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 5. Fails without the supervised task, or when it dies of one failure."""
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


async def test_the_look_is_one_query_for_all_calendars(
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
    await hub.look_at_heads()
    assert [len(calendars) for calendars in asked] == [3]


async def test_a_hub_far_behind_delivers_all_it_missed_in_order(
    hub: Hub, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "MAX_REPLAY_SETS": 2}
    page = Page(ana)
    await page.subscribe(hub, team)
    await write_unheard(team, ana, 7)
    await hub.look_at_heads()
    assert page.revisions() == list(range(1, 8))


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


async def test_a_page_that_arrives_in_the_middle_of_a_delivery_misses_nothing(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_SOCKETS_PER_TURN", 1)
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


async def test_a_hub_goes_on_after_a_message_it_cannot_read(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hub_module, "_RETRY_SECONDS", 0.01)
    page = Page(ana)
    await page.subscribe(hub, team)
    layer = get_channel_layer()
    for message in ({"type": broadcast.MESSAGE_TYPE}, {"type": "unknown"}, {}, {"type": broadcast.RIGHTS_TYPE}):
        await layer.group_send(broadcast.group_of(str(team.pk)), message)
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1]
    assert "could not take a message" in caplog.text


async def test_nothing_of_a_rolled_back_write_reaches_a_page(hub: Hub, team: Calendar, ana: User) -> None:
    page = Page(ana)
    await page.subscribe(hub, team)

    def fail() -> None:
        with changelog.change(team.pk, actor=ana) as change:
            change.upsert(WorkItem(calendar=team, title="x", start=NINE, end=NINE))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await in_thread(fail)
    await hub.look_at_heads()
    await write(team, ana)
    await settled(page, team)
    assert page.revisions() == [1]


# --- another history -------------------------------------------------------------------------------------------------

Backup = list[tuple[Any, list[Any]]]


def back_up() -> Backup:
    return [(model, list(model.objects.all())) for model in (Calendar, ChangeSet, WorkItem, Entry)]


def put_back(backup: Backup) -> None:
    """Make calendars, items and log what they were, as a database restored from a copy is."""
    for model in (Entry, ChangeSet, WorkItem):
        model.objects.all().delete()
    for model, rows in backup:
        if model is Calendar:
            for row in rows:
                row.save(force_update=True)
        else:
            model.objects.bulk_create(rows)


def rewrite_history(calendar: Calendar, actor: User) -> None:
    """Go back to the calendar's beginning and write as many changes as there were."""
    times = head_of(calendar).revision
    first = ChangeSet.objects.get(calendar=calendar, revision=0)
    Entry.objects.filter(change_set__calendar=calendar).delete()
    ChangeSet.objects.filter(calendar=calendar, revision__gt=0).delete()
    WorkItem.objects.filter(calendar=calendar).delete()
    Calendar.objects.filter(pk=calendar.pk).update(revision=0, nonce=first.nonce)
    for _ in range(times):
        make_item(calendar, actor)


@pytest.mark.parametrize("then", [0, 1, 2, 3, 5], ids=lambda count: f"{count} changes after")
async def test_a_restored_database_resets_everyone_and_then_everyone_is_right(
    then: int, hub: Hub, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 6. Fails when the hub compares revisions without nonces: with as many changes after as before, nothing shows."""
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
    await hub.look_at_heads()
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


async def test_a_page_that_comes_before_the_hub_has_noticed_is_right_after_the_look(
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
    await hub.look_at_heads()
    assert page.kinds[-1] == "reset diverged"
    await page.subscribe(hub, team)
    await write(team, ana)
    await settled(page, team)


# --- rights ----------------------------------------------------------------------------------------------------------


async def test_a_member_whose_role_changes_is_reset_on_that_calendar_alone(hub: Hub, team: Calendar, ana: User) -> None:
    other = await in_thread(make_calendar, ana)
    page = Page(ana)
    await page.subscribe(hub, team)
    await page.subscribe(hub, other)
    await hub.apply_rights(page, {str(team.pk): "full.2", str(other.pk): "full.1"})
    assert page.heard("reset") == [{"type": "reset", "calendar": str(team.pk), "reason": "rights", "spreadMs": 2000}]
    assert hub.calendars_of(page) == [str(other.pk)]


async def test_a_calendar_that_is_deleted_is_withdrawn(hub: Hub, team: Calendar, ana: User) -> None:
    page = Page(ana)
    await page.subscribe(hub, team)
    await in_thread(delete_calendar, team.pk, actor=ana)
    await hub.look_at_heads()
    await until(lambda: page.heard("rights"), what="the calendar to be withdrawn")
    assert hub.calendars_of(page) == []


async def test_the_users_pages_are_asked_to_look_when_rights_change(
    hub: Hub, team: Calendar, ana: User, cara: User, dan: User
) -> None:
    """Invariant 7. Fails when a change of rights is not broadcast: the tap would stay open until the next heartbeat."""
    pages = {user: Page(user) for user in (ana, cara, dan)}
    for page in pages.values():
        await hub.enter(page)
    await in_thread(remove_member, team, member=cara)
    await until(lambda: pages[cara].rechecks, what="cara's page to be asked to look")
    await until(lambda: pages[ana].rechecks, what="ana's page to be told of the people")
    assert pages[dan].rechecks == 0


# --- coming and going ------------------------------------------------------------------------------------------------


async def test_a_hub_leaves_the_group_with_its_last_page(hub: Hub, team: Calendar, ana: User) -> None:
    groups = get_channel_layer().groups
    pages = [Page(ana), Page(ana)]
    for page in pages:
        await hub.enter(page)
        await page.subscribe(hub, team)
    assert set(groups) == {broadcast.group_of(str(team.pk)), str(receiver_of(ana))}
    assert REGISTRY.get_sample_value("calendar_live_subscriptions") == 2
    await hub.leave(pages[0])
    assert len(groups) == 2
    await hub.leave(pages[1])
    assert set(groups) == {broadcast.group_of(str(team.pk))}, "who comes back in a moment finds it followed"
    await hub.look_at_heads()
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
    """The in-memory layer, with a gate before it forgets a member."""

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
    """Invariant 7. Fails when the old page's farewell may overtake the new page's greeting."""
    layer = hub._layer = SlowLayer()
    old, new = Page(ana), Page(ana)
    await hub.enter(old)
    leaving = asyncio.ensure_future(hub.leave(old))
    await layer.reached.wait()
    entering = asyncio.ensure_future(hub.enter(new))
    await asyncio.sleep(0)
    layer.opened.set()
    await asyncio.gather(leaving, entering)
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    await until(lambda: new.rechecks, what="the new page to be asked to look", timeout_seconds=2)


class StuckLayer:
    """A broker that takes every request and answers none."""

    async def stuck(self, *_: Any) -> Any:
        await asyncio.Event().wait()

    new_channel = group_add = group_discard = receive = stuck


async def test_a_stuck_broker_does_not_hold_up_the_look_at_the_heads(
    ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 5: within a second or so, also with Redis dead. Fails when the looks wait for the broker."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.05}
    monkeypatch.setattr(hub_module, "_RETRY_SECONDS", 1.0)
    calendars = [await in_thread(make_calendar, ana) for _ in range(4)]
    hub, page = Hub(), Page(ana)
    try:
        for calendar in calendars:
            await page.subscribe(hub, calendar)
        hub._layer = StuckLayer()
        hub._unheard |= {broadcast.group_of(str(calendar.pk)) for calendar in calendars}
        for _ in range(3):
            for calendar in calendars:
                await write_unheard(calendar, ana)
            started = asyncio.get_running_loop().time()
            for calendar in calendars:
                await settled(page, calendar)
            assert asyncio.get_running_loop().time() - started < 1
    finally:
        await hub.close()


async def test_a_heartbeat_tells_the_heads_of_live_calendars_alone(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(ana)
    assert hub.heads_of(page) == {}
    gate = Gate(monkeypatch, "read_since", after=True)
    start = await in_thread(head_of, team)
    await write(team, ana)
    subscribing = asyncio.ensure_future(page.subscribe(hub, team, start, "full.1"))
    await gate.reached.wait()
    assert hub.heads_of(page) == {}, "its replay is still to come"
    gate.opened.set()
    await subscribing
    assert hub.heads_of(page) == {str(team.pk): await in_thread(head_of, team)}


async def test_a_page_at_the_databases_head_is_live_without_reading_the_log(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each long-poll comes back at the state of its last answer. Fails when the log is read whatever the state."""
    page = Page(ana)
    start = await in_thread(head_of, team)
    Gate(monkeypatch, "read_since", after=False)
    await page.subscribe(hub, team, start, "full.1")
    assert page.kinds == ["subscribed"]
    await write(team, ana)
    await settled(page, team)


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
