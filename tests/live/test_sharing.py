"""Tests that pages learn at once when their user gets or loses a calendar, by WebSocket and by a waiting request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient

from calendar_live.live.hub import get_hub
from calendar_live.models import Calendar, Role
from calendar_live.services import calendars, sharing
from calendar_live.services.calendars import set_role
from calendar_live.services.items import update_item
from testbed.waiting import until
from tests.live.pages import in_thread
from tests.live.sockets import Socket, sign_in
from tests.people import invite, make_calendar, make_item, make_link, make_user

pytestmark = pytest.mark.django_db(transaction=True)

Said = list[tuple[str, Any]]
Act = Callable[[Calendar, User, User, User], Any]


def _offer(team: Calendar, ana: User) -> None:
    """Offer Ben to be the owner in Ana's place."""
    sharing.transfer(team.pk, actor=ana, to=str(User.objects.get(username="ben").pk))


def _accept(team: Calendar) -> None:
    sharing.answer_offer(team.pk, actor=User.objects.get(username="ben"), accept=True)


# By name: what happens, who has the page open, and what the page is told of the calendar (the type of each frame, and
# the role, reason or rights in it).
TOLD: Final[dict[str, tuple[Act, str, Said]]] = {
    "shared with me": (
        lambda team, ana, cara, dan: sharing.share(team.pk, actor=ana, to="dan", role=Role.VIEWER),
        "dan",
        [("calendar", "viewer")],
    ),
    "I accepted in another tab": (
        lambda team, ana, cara, dan: sharing.accept(invite(team, ana).token, user=dan),
        "dan",
        [("calendar", "editor")],
    ),
    "my role was raised": (
        lambda team, ana, cara, dan: sharing.change_role(team.pk, actor=ana, member=str(cara.pk), role=Role.EDITOR),
        "cara",
        [("calendar", "editor"), ("reset", "rights")],
    ),
    "my role was lowered": (
        lambda team, ana, cara, dan: sharing.change_role(team.pk, actor=ana, member=str(cara.pk), role=Role.FREEBUSY),
        "cara",
        [("calendar", "freebusy"), ("reset", "rights")],
    ),
    "I was taken out": (
        lambda team, ana, cara, dan: sharing.remove(team.pk, actor=ana, member=str(cara.pk)),
        "cara",
        [("rights", None)],
    ),
    "I left in another tab": (
        lambda team, ana, cara, dan: sharing.leave(team.pk, actor=cara),
        "cara",
        [("rights", None)],
    ),
    "it was offered to me": (
        lambda team, ana, cara, dan: sharing.transfer(team.pk, actor=ana, to=str(cara.pk)),
        "cara",
        [("calendar", "viewer")],
    ),
    "it was handed to me": (
        lambda team, ana, cara, dan: _accept(team),
        "ben",
        [("calendar", "owner"), ("reset", "rights")],
    ),
    "I handed it over": (
        lambda team, ana, cara, dan: _accept(team),
        "ana",
        [("calendar", "editor"), ("reset", "rights")],
    ),
    "it was deleted": (
        lambda team, ana, cara, dan: calendars.delete_calendar(team.pk, actor=ana),
        "cara",
        [("rights", None)],
    ),
    "somebody else joined": (
        lambda team, ana, cara, dan: sharing.share(team.pk, actor=ana, to="dan", role=Role.VIEWER),
        "ben",
        [("calendar", "editor")],
    ),
}


def said(frames: list[dict[str, Any]], calendar: Calendar) -> Said:
    """Return what frames say about the receiver's rights in a calendar."""
    found: Said = []
    for frame in frames:
        match frame["type"]:
            case "calendar" if frame["calendar"]["id"] == str(calendar.pk):
                found.append(("calendar", frame["calendar"]["role"]))
            case "reset":
                found.append(("reset", frame["reason"]))
            case "rights":
                found.append(("rights", frame["rights"]))
    return found


@pytest.fixture
async def opened(settings: Any) -> AsyncIterator[list[Socket]]:
    """Yield a list of sockets that are closed at the end. Heartbeats are an hour apart, so no test relies on one."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 3_600.0, "HEARTBEAT_SECONDS": 3_600, "MAX_WAIT_SECONDS": 60}
    sockets: list[Socket] = []
    yield sockets
    for socket in sockets:
        await socket.disconnect()
    await sync_to_async(connections.close_all)()
    await get_hub().close()


async def page_of(user: User, calendar: Calendar, opened: list[Socket]) -> Socket:
    """Return the socket of a page that is subscribed to a calendar, if its user may see it."""
    socket = Socket(await in_thread(sign_in, user))
    opened.append(socket)
    await socket.open()
    await socket.hear_of("hello")
    await socket.subscribe(calendar.pk)
    while (await socket.hear())["type"] not in ("subscribed", "error"):
        pass
    socket.frames.clear()
    return socket


def write_after(calendar: Calendar) -> None:
    """Write to a calendar as its owner, unless it is deleted."""
    for mine in calendar.memberships.filter(role=Role.OWNER, calendar__deleted_at=None):
        make_item(calendar, mine.user, title="After")


@pytest.mark.parametrize(("act", "who", "expected"), TOLD.values(), ids=TOLD)
async def test_a_socket_is_told_at_once(
    act: Act, who: str, expected: Said, opened: list[Socket], team: Calendar, ana: User, cara: User, dan: User
) -> None:
    """Invariant 7. Seen failing when `tell` announces nothing."""
    user = await in_thread(User.objects.get, username=who)
    await in_thread(_offer, team, ana)
    socket = await page_of(user, team, opened)
    await in_thread(act, team, ana, cara, dan)
    while len(said(socket.frames, team)) < len(expected):
        await socket.hear()
    assert said(socket.frames, team) == expected
    if expected[-1][0] != "calendar":  # the rights have ended: nothing more comes until the page subscribes again
        socket.frames.clear()  # the deletion of a calendar is a change set, too, which may come before
        await in_thread(write_after, team)
        await socket.say({"type": "ping"})
        await socket.hear_of("pong")
        assert [frame["type"] for frame in socket.frames if frame["type"] == "changes"] == []


@pytest.mark.parametrize(("act", "who", "expected"), TOLD.values(), ids=TOLD)
async def test_a_request_that_waits_is_answered_at_once(
    act: Act, who: str, expected: Said, opened: list[Socket], team: Calendar, ana: User, cara: User, dan: User
) -> None:
    """Invariant 7. Seen failing when `tell` announces nothing, and when a waiting request ignores the notice."""
    await in_thread(_offer, team, ana)
    client = AsyncClient()
    await client.aforce_login(await in_thread(User.objects.get, username=who))

    async def exchange(known: dict[str, str] | None, wait: float, frames: list[dict[str, Any]]) -> Any:
        body = orjson.dumps({"wait": wait, "known": known, "frames": frames})
        answer = await client.post("/api/frames/", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return orjson.loads(answer.content)

    asked: dict[str, Any] = {"type": "subscribe", "id": 1, "calendar": str(team.pk), "state": None, "access": None}
    first = await exchange(None, 0, [asked])
    stands = [frame for frame in first["frames"] if frame["type"] == "subscribed"]
    again = [asked | {"state": one["state"], "access": one["access"]} for one in stands]
    waits = asyncio.ensure_future(exchange(first["known"], 60, again))
    await until(lambda: get_hub()._audiences.of, what="the request to wait")
    if again:
        await until(lambda: any(one.members for one in get_hub()._served.values()), what="the request to subscribe")
    await in_thread(act, team, ana, cara, dan)
    async with asyncio.timeout(10):  # the promise is one second; a wait that ends by itself would have the same answer
        answer = await waits
        frames = answer["frames"]
        while len(said(frames, team)) < len(expected):
            answer = await exchange(answer["known"], 60, again)
            frames += answer["frames"]
    assert said(frames, team)[: len(expected)] == expected


class Desk:
    """The contents of an owner's share dialog: a member's role, an invitation, a public link."""

    def __init__(self, team: Calendar, ana: User) -> None:
        self.team, self.ana = team, ana
        self.fay = make_user("fay")
        set_role(team, member=self.fay, role=Role.FREEBUSY)
        self.mailing = invite(team, ana)
        self.link = make_link(team, ana)


# By name: what an owner does with other people and links.
DEEDS: Final[dict[str, Callable[[Desk], Any]]] = {
    "gives another role": lambda at: sharing.change_role(
        at.team.pk, actor=at.ana, member=str(at.fay.pk), role=Role.EDITOR
    ),
    "invites": lambda at: invite(at.team, at.ana, to="gus@example.org"),
    "invites again": lambda at: sharing.send_again(at.team.pk, actor=at.ana, invitation_id=at.mailing.invitation.pk),
    "has an invitation mailed": lambda at: sharing.mark_mailed(at.mailing.invitation.pk, token=at.mailing.token),
    "withdraws an invitation": lambda at: sharing.withdraw(
        at.team.pk, actor=at.ana, invitation_id=at.mailing.invitation.pk
    ),
    "has an invitation accepted by a member": lambda at: sharing.accept(at.mailing.token, user=at.fay),
    "makes a link": lambda at: make_link(at.team, at.ana),
    "names a link": lambda at: sharing.edit_link(
        at.team.pk, actor=at.ana, link_id=at.link.pk, changes={"name": "Poster"}
    ),
    "withdraws a link": lambda at: sharing.withdraw_link(at.team.pk, actor=at.ana, link_id=at.link.pk),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
async def test_of_others_roles_invitations_and_links_owners_alone_hear_at_once(
    deed: Callable[[Desk], Any], opened: list[Socket], team: Calendar, ana: User, ben: User, cara: User, dan: User
) -> None:
    """Invariant 7: editors and viewers get not a byte of it.

    Seen failing when every member gets `sharing` in descriptions of the calendar, and when no member does.
    """
    desk = await in_thread(Desk, team, ana)
    await in_thread(set_role, team, member=dan, role=Role.OWNER)
    owner = await page_of(dan, team, opened)
    others = [await page_of(user, team, opened) for user in (ben, cara)]
    before = await in_thread(lambda: Calendar.objects.get(pk=team.pk).sharing_version)
    await in_thread(deed, desk)
    assert (await owner.hear_of("calendar"))["calendar"]["sharing"] == before + 1
    await in_thread(calendars.edit_calendar, team.pk, actor=ana, changes={"name": "Renamed"})
    for socket in others:
        await socket.hear_of("calendar")
        told = [frame["calendar"] for frame in socket.frames if frame["type"] == "calendar"]
        assert [(one["name"], one["sharing"]) for one in told] == [("Renamed", None)]


async def test_a_restored_calendar_is_back_on_open_pages_and_goes_on(
    opened: list[Socket], team: Calendar, ana: User, cara: User
) -> None:
    socket = await page_of(cara, team, opened)
    state = await in_thread(lambda: str(Calendar.objects.get(pk=team.pk).state))
    await in_thread(calendars.delete_calendar, team.pk, actor=ana)
    await socket.hear_of("rights")
    await in_thread(calendars.restore_calendar, team.pk, actor=ana)
    assert (await socket.hear_of("calendar"))["calendar"]["id"] == str(team.pk)
    await socket.subscribe(team.pk, number=2, state=state, access="shared.1")
    while (frame := await socket.hear())["type"] != "subscribed":
        assert frame["type"] != "reset", "its history goes on"
    await in_thread(make_item, team, ana, title="After")
    assert (await socket.hear_of("changes"))["upserted"][0]["title"] == "After"


async def test_ones_own_order_is_told_to_ones_other_pages_alone(
    opened: list[Socket], team: Calendar, ana: User, cara: User
) -> None:
    second = await in_thread(make_calendar, ana, viewer=cara, name="Second")
    mine, other = await page_of(ana, team, opened), await page_of(cara, team, opened)
    await in_thread(sharing.set_order, [second.pk], actor=ana)
    told = [(await mine.hear_of("calendar"))["calendar"] for _ in range(2)]
    assert {one["name"]: one["position"] for one in told} == {"Second": 0, "Team": 1}
    await other.say({"type": "ping"})
    await other.hear_of("pong")
    assert said(other.frames, team) == []


async def test_what_becomes_secret_goes_from_a_viewers_page_and_comes_back(
    opened: list[Socket], team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7. Seen failing when `seen_by` omits an item that was just hidden."""
    item = await in_thread(make_item, team, ana, title="Merger")
    socket = await page_of(cara, team, opened)

    def edit(visibility: str, title: str = "Merger") -> None:
        update_item(
            team.pk, actor=ana, item_id=item.pk, changes={"visibility": visibility, "title": title}, expected_state=None
        )

    await in_thread(edit, "secret")
    frame = await socket.hear_of("changes")
    assert (frame["upserted"], frame["destroyed"]) == ([], [str(item.pk)])
    await in_thread(edit, "secret", "Merger of two")
    frame = await socket.hear_of("changes")
    assert (frame["upserted"], frame["destroyed"]) == ([], [])
    await in_thread(edit, "private")
    frame = await socket.hear_of("changes")
    assert [(one["id"], one["busy"], one["title"]) for one in frame["upserted"]] == [(str(item.pk), True, "Busy")]


async def test_a_person_who_made_an_account_is_among_the_people_of_open_pages(
    opened: list[Socket], team: Calendar, ana: User, cara: User
) -> None:
    socket = await page_of(cara, team, opened)
    token = (await in_thread(invite, team, ana)).token
    await in_thread(sharing.accept_as_new, token, username="eve", name="Eve Example", password="a long enough phrase")
    told = (await socket.hear_of("calendar"))["calendar"]
    assert "Eve Example" in [person["name"] for person in told["people"]]
