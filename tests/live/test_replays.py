"""Tests that every replay, to any receiver and by any way, shows of each item only what it is now (S3, invariant 7)."""

from __future__ import annotations

from typing import Any, Final

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from calendar_live.access import standing
from calendar_live.access.credentials import link_token
from calendar_live.access.receivers import link_receiver
from calendar_live.live import longpoll
from calendar_live.live.hub import Hub, get_hub
from calendar_live.models import Calendar, PublicLink, Role, WorkItem
from calendar_live.protocol.state import State
from calendar_live.services.calendars import set_role
from calendar_live.services.items import update_item
from testbed.waiting import until
from tests.history import head_of
from tests.live.gates import Gate, held
from tests.live.pages import Page, in_thread
from tests.live.writing import lost_broadcasts, settled
from tests.people import make_item, make_link

pytestmark = pytest.mark.django_db(transaction=True)

# A title that in the end only owners and editors may know.
TELLING: Final = "Redundancies in the spring"
WHO: Final = ("a viewer", "a public link", "who had free/busy rights then", "who was no member then")
# The visibility of an item of which others may know nothing, and of one of which they may know only the time.
HOW: Final = ("secret", "private")


def let_in(who: str, team: Calendar, ana: User, other: User) -> User | PublicLink:
    """Give a receiver its earlier rights. Return the user or the link."""
    if who == "a public link":
        return make_link(team, ana)
    if who == "a viewer":
        set_role(team, member=other, role=Role.VIEWER)
    if who == "who had free/busy rights then":
        set_role(team, member=other, role=Role.FREEBUSY)
    return other


def show(team: Calendar, ana: User) -> tuple[State, WorkItem]:
    """Make an item, then one with the telling title, both normal. Return the state before both, and the second item."""
    before = head_of(team)
    make_item(team, ana)
    return before, make_item(team, ana, title=TELLING)


def hide(team: Calendar, ana: User, item: WorkItem, how: str) -> None:
    """Make an item secret or private, and change it once more. Make another item before and after that."""
    make_item(team, ana)
    for changes in ({"visibility": how}, {"title": f"{TELLING} and later"}):
        update_item(team.pk, actor=ana, item_id=item.pk, changes=changes, expected_state=None)
    make_item(team, ana)


def raise_rights(who: str, team: Calendar, other: User) -> None:
    """Make a receiver that had fewer rights, or none, a viewer."""
    if who.startswith("who "):
        set_role(team, member=other, role=Role.VIEWER)


def receiver_of(one: User | PublicLink) -> Any:
    return one if isinstance(one, User) else link_receiver(one.pk)


def access_of(one: User | PublicLink, team: Calendar) -> str:
    return str(standing(receiver_of(one), team.pk).access)


def check(page: Page, team: Calendar, item: WorkItem, how: str) -> None:
    """Check that no frame has the title, that the page passed every state, and that it shows what it may show now."""
    assert TELLING not in "".join(page.texts)
    assert page.revisions() == list(range(1, page.revisions()[-1] + 1))
    shown = page.items[str(team.pk)]
    assert len(shown) == (3 if how == "secret" else 4)
    if how == "private":
        assert shown[str(item.pk)]["busy"]
    else:
        assert str(item.pk) not in shown


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("remembered", [False, True], ids=["from the log", "from memory"])
async def test_a_replay_tells_of_an_item_only_what_it_is_now(
    remembered: bool, who: str, how: str, hub: Hub, team: Calendar, ana: User, dan: User
) -> None:
    """Each case was seen failing with change sets that are replayed as they were."""
    one = await in_thread(let_in, who, team, ana, dan)
    watcher = Page(ana)
    if remembered:
        await watcher.subscribe(hub, team)
    start, item = await in_thread(show, team, ana)
    await in_thread(hide, team, ana, item, how)
    await in_thread(raise_rights, who, team, dan)
    if remembered:
        await settled(watcher, team)
        assert hub._served[str(team.pk)].recent.since(start)
    page = Page(receiver_of(one))
    await page.subscribe(hub, team, start, await in_thread(access_of, one, team))
    check(page, team, item, how)


@pytest.mark.parametrize("how", HOW)
async def test_what_waited_meanwhile_counts_too(
    how: str, hub: Hub, team: Calendar, ana: User, cara: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item is hidden after the log was read. Seen failing when the change is sent by itself, after the replay."""
    start, item = await in_thread(show, team, ana)
    page, access = Page(cara), await in_thread(access_of, cara, team)
    gate = Gate(monkeypatch, "read_since", after=True)
    async with held(page.subscribe(hub, team, start, access), at=gate):
        await in_thread(hide, team, ana, item, how)
        head = await in_thread(head_of, team)
        await until(lambda: hub._served[str(team.pk)].head == head, what="the hub to hear of it")
    check(page, team, item, how)
    assert page.kinds[-1] == "subscribed"


@pytest.mark.parametrize("how", HOW)
async def test_who_is_live_is_told_of_what_was_lost_as_it_is_now(
    how: str, hub: Hub, team: Calendar, ana: User, cara: User, settings: Any
) -> None:
    """Broadcasts are lost, and the hub reads the log in parts. Seen failing when it sends each part as it was."""
    settings.CALENDAR_LIVE = {**settings.CALENDAR_LIVE, "MAX_REPLAY_SETS": 2}
    page = Page(cara)
    await page.subscribe(hub, team)
    with lost_broadcasts():
        _, item = await in_thread(show, team, ana)
        await in_thread(hide, team, ana, item, how)
    await hub.check_heads()
    check(page, team, item, how)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("who", WHO)
async def test_a_request_for_frames_is_told_the_same(
    who: str, how: str, team: Calendar, ana: User, dan: User, settings: Any
) -> None:
    """This holds without a WebSocket, too."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "BROADCAST_TIMEOUT_SECONDS": 30.0}
    one = await in_thread(let_in, who, team, ana, dan)
    start, item = await in_thread(show, team, ana)
    await in_thread(hide, team, ana, item, how)
    await in_thread(raise_rights, who, team, dan)
    client, headers = AsyncClient(), {}
    if isinstance(one, User):
        await client.aforce_login(one)
    else:
        headers = {"Authorization": f"Link {link_token(one.pk).token}"}
    access = await in_thread(access_of, one, team)
    asked = {"type": "subscribe", "id": 1, "calendar": str(team.pk), "state": str(start), "access": access}
    answer = await client.post(
        "/api/frames/",
        orjson.dumps({"wait": 0, "known": None, "frames": [asked]}),
        content_type="application/json",
        headers=headers,
    )
    page = Page(receiver_of(one))
    page.states[str(team.pk)] = page._asked[str(team.pk)] = str(start)
    for frame in orjson.loads(answer.content)["frames"]:
        page.push(orjson.dumps(frame).decode())
    check(page, team, item, how)
    assert not longpoll._seats.taken
    await get_hub().close()
