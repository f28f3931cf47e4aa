"""Tests a page that subscribes: what it is told, what it is replayed, and when it must start anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from calendar_live import changelog
from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, Role
from calendar_live.protocol.state import State
from calendar_live.services.calendars import set_role
from tests.history import head_of
from tests.live.gates import Gate
from tests.live.pages import Page, in_thread
from tests.live.writing import access_of, settled, write
from tests.people import make_item

pytestmark = pytest.mark.django_db(transaction=True)


# --- what it is told -------------------------------------------------------------------------------------------------


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


async def test_a_page_at_the_databases_head_is_live_without_reading_the_log(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each long-poll returns with the state of its last answer. Fails when the hub reads the log whatever the state."""
    page = Page(ana)
    start = await in_thread(head_of, team)
    Gate(monkeypatch, "read_since", after=False)
    await page.subscribe(hub, team, start, "full.1")
    assert page.kinds == ["subscribed"]
    await write(team, ana)
    await settled(page, team)


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
        "detail": "There is no such calendar, or it is not shared with you.",
    }
    assert hub.calendars_of(page) == []


# --- when it is reset ------------------------------------------------------------------------------------------------


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
    await hub.check_heads()
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
