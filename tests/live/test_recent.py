"""Tests the replays that a hub makes from memory: they equal those from the log, and contain no other history."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from prometheus_client import REGISTRY

from calendar_live.live import recent
from calendar_live.live.hub import Hub
from calendar_live.live.recent import Recent
from calendar_live.models import Calendar, Role
from calendar_live.protocol.changes import ChangeSet, Entry
from calendar_live.protocol.state import State
from calendar_live.services.calendars import set_role
from tests.history import back_up, head_of, put_back
from tests.live.gates import Gate
from tests.live.pages import Page, in_thread
from tests.live.writing import access_of, settled, write, write_unheard
from tests.people import make_item, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def state(revision: int) -> State:
    return State(revision, f"{revision:016x}")


def change_set(revision: int, *, characters: int = 1) -> ChangeSet:
    return ChangeSet("a", state(revision - 1), state(revision), (Entry("item", "x" * characters),))


def revisions(kept: Recent, since: int) -> list[int] | None:
    found = kept.since(state(since))
    return None if found is None else [one.change_set.new.revision for one in found]


def test_what_was_delivered_after_a_state_is_known_and_nothing_else() -> None:
    kept = Recent()
    assert revisions(kept, 0) is None
    for revision in (1, 2, 3):
        kept.add(change_set(revision))
    assert [revisions(kept, since) for since in (0, 1, 2)] == [[1, 2, 3], [2, 3], [3]]
    assert revisions(kept, 3) is None
    assert kept.since(State(1, "f" * 16)) is None, "of another history"


def test_a_gap_ends_what_is_known_before_it() -> None:
    kept = Recent()
    for revision in (1, 2, 4):
        kept.add(change_set(revision))
    assert [revisions(kept, since) for since in (0, 1, 2, 3)] == [None, None, None, [4]]


def test_a_little_is_kept_the_newest() -> None:
    kept = Recent()
    for revision in range(1, 2 * recent._MOST_SETS):
        kept.add(change_set(revision))
    newest = 2 * recent._MOST_SETS - 1
    assert revisions(kept, newest - recent._MOST_SETS) is not None
    assert revisions(kept, newest - recent._MOST_SETS - 1) is None
    for revision in range(newest + 1, newest + 5):
        kept.add(change_set(revision, characters=recent._MOST_BYTES // 2 - len("item")))
    assert revisions(kept, newest + 2) == [newest + 3, newest + 4]
    assert revisions(kept, newest + 1) is None
    kept.add(change_set(newest + 5, characters=recent._MOST_BYTES + 1))
    assert revisions(kept, newest + 4) is None, "one that is too long is not kept either"


def test_deletions_are_counted() -> None:
    """Each deletion is an id, and ten thousand ids are many bytes. Seen failing when only the wires count."""
    kept = Recent()
    for revision in (1, 2):
        gone = tuple(Entry(f"{number:036}", None) for number in range(1_000))
        kept.add(ChangeSet("a", state(revision - 1), state(revision), gone))
    assert [revisions(kept, since) for since in (0, 1)] == [None, [2]]


@pytest.mark.parametrize("limit", [{"MAX_REPLAY_SETS": 2}, {"MAX_REPLAY_BYTES": 2_000}])
async def test_no_more_is_told_than_a_replay_may_have(
    limit: dict[str, int], hub: Hub, team: Calendar, ana: User, settings: Any
) -> None:
    """S3 holds at each process. Seen failing when the memory has limits of its own."""
    settings.CALENDAR_LIVE = {**settings.CALENDAR_LIVE, **limit}
    watcher, back = Page(ana), Page(ana)
    await watcher.subscribe(hub, team)
    start = await in_thread(head_of, team)
    await write(team, ana, 8)
    await settled(watcher, team)
    await back.subscribe(hub, team, start, "full.1")
    assert back.kinds == ["reset bulk"]


async def test_what_is_old_is_forgotten_by_the_head_check(
    hub: Hub, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If not, each calendar that was changed would take a hundred kilobytes for as long as somebody has it open."""
    page = Page(ana)
    await page.subscribe(hub, team)
    start = await in_thread(head_of, team)
    await write(team, ana, 2)
    await settled(page, team)
    served = hub._served[str(team.pk)]
    await hub.check_heads()
    assert len(served.recent.since(start) or ()) == 2
    monkeypatch.setattr("calendar_live.live.hub.KEPT_SECONDS", 0)
    await hub.check_heads()
    assert served.recent.since(start) is None
    assert served.recent._bytes == 0
    back = Page(ana)
    await back.subscribe(hub, team, start, "full.1")
    assert back.revisions() == [1, 2], "out of the log"


async def test_who_comes_back_is_told_without_the_log_what_the_log_would_tell(
    hub: Hub, team: Calendar, ana: User, cara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are equal in each rights class, and encoded once. Fails when each replay is read or encoded anew."""
    free = await in_thread(make_user, "free")
    await in_thread(set_role, team, member=free, role=Role.FREEBUSY)
    watchers = [Page(user) for user in (ana, cara, free)]
    for page in watchers:
        await page.subscribe(hub, team)
    start = await in_thread(head_of, team)
    for visibility in ("normal", "private", "secret", "normal"):
        await in_thread(make_item, team, ana, title="Plan", visibility=visibility)
    for page in watchers:
        await settled(page, team)
    back, other = [[Page(user) for user in (ana, cara, free)] for _ in range(2)]
    elsewhere = Hub()  # like another process, which has delivered none of these changes
    try:
        for page in other:
            await page.subscribe(elsewhere, team, start, await access_of(page_user(page), team))
    finally:
        await elsewhere.close()
    encoded = REGISTRY.get_sample_value("calendar_live_encodings_total")
    Gate(monkeypatch, "read_since", after=False)  # from now on, a query of the log waits for ever
    for page in back:
        await page.subscribe(hub, team, start, await access_of(page_user(page), team))
    assert [page.texts for page in back] == [page.texts for page in other]
    assert [page.kinds for page in back] == [["changes"] * 4 + ["subscribed"]] * 3
    assert REGISTRY.get_sample_value("calendar_live_encodings_total") == encoded


def page_user(page: Page) -> User:
    return User(pk=int(page.receiver.id))


@pytest.mark.parametrize("then", [0, 1, 2, 3], ids=lambda count: f"{count} changes after")
async def test_what_a_restored_database_has_lost_is_told_to_nobody_who_comes_back(
    then: int, hub: Hub, team: Calendar, ana: User
) -> None:
    """Invariant 6, before the hub notices. Fails when the hub replays from memory whatever the database's head is."""
    watcher = Page(ana)
    await watcher.subscribe(hub, team)
    await write(team, ana)
    start = await in_thread(head_of, team)
    backup = await in_thread(back_up)
    await write(team, ana, 2)
    await settled(watcher, team)
    lost = set(watcher.items[str(team.pk)])
    await in_thread(put_back, backup)
    await write_unheard(team, ana, then)
    kept = {str(pk) async for pk in team.workitems.values_list("pk", flat=True)}
    page = Page(ana)
    await page.subscribe(hub, team, start, "full.1")
    assert set(page.items.get(str(team.pk), {})) & (lost - kept) == set()
