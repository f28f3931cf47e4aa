"""Tests that a change of rights is told to an open WebSocket, or cuts it off, at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.test import RequestFactory

from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import create_calendar, delete_calendar, remove_member, set_role
from tests.live.pages import in_thread
from tests.live.sockets import Open, sign_in
from tests.live.writing import write
from tests.people import make_item

pytestmark = pytest.mark.django_db(transaction=True)


# --- the account -----------------------------------------------------------------------------------------------------


async def test_one_who_signs_out_is_cut_off_at_once(
    open_socket: Open, team: Calendar, ana: User, first_checks: Callable[[int], Awaitable[None]]
) -> None:
    """Invariant 7: within a second.

    Seen failing when the other tabs of a session learn of its end only at a heartbeat, 25 s later.
    """

    def sign_out(session: str) -> None:
        request = RequestFactory().post("/logout/")
        request.session = import_module(site.SESSION_ENGINE).SessionStore(session)
        request.user = ana
        logout(request)

    session = await in_thread(sign_in, ana)
    tabs = [await open_socket(session=session) for _ in range(2)]
    for tab in tabs:
        await tab.watch(team.pk)
    await first_checks(2)
    await in_thread(sign_out, session)
    for tab in tabs:
        assert await tab.closed() == 4401


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "!"}], ids=["deactivated", "another password"])
async def test_one_whose_account_is_changed_is_cut_off_at_once(
    change: dict[str, Any],
    open_socket: Open,
    team: Calendar,
    cara: User,
    first_checks: Callable[[int], Awaitable[None]],
) -> None:
    """Invariant 7. Seen failing when sockets learn of it only at a heartbeat, 25 s later."""
    socket = await open_socket(cara)
    await socket.hear_of("hello")
    await first_checks(1)

    def save() -> None:
        user = User.objects.get(pk=cara.pk)
        for name, value in change.items():
            setattr(user, name, value)
        user.save()

    await in_thread(save)
    assert await socket.closed() == 4401


# --- the calendar ----------------------------------------------------------------------------------------------------


async def test_a_member_who_is_removed_is_cut_off_at_once(
    open_socket: Open, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7: within a second, long before a heartbeat.

    Seen failing when a change of rights is not sent to the user.
    """
    socket = await open_socket(cara)
    await socket.watch(team.pk)
    await in_thread(remove_member, team, member=cara)
    assert await socket.hear_of("rights") == {"type": "rights", "calendar": str(team.pk), "rights": None}
    await write(team, ana)
    await socket.say({"type": "ping"})
    assert (await socket.hear())["type"] == "pong", "nothing of that calendar came after"


async def test_a_member_whose_role_changes_is_told_and_reset(open_socket: Open, team: Calendar, cara: User) -> None:
    socket = await open_socket(cara)
    await socket.watch(team.pk)
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    assert (await socket.hear_of("calendar"))["calendar"]["access"] == "full.2"
    reset = await socket.hear_of("reset")
    assert (reset["calendar"], reset["reason"]) == (str(team.pk), "rights")


async def test_a_viewer_made_free_busy_reads_no_title_after(
    open_socket: Open, team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7. Seen failing when a live subscription keeps the rights with which it was made."""
    socket = await open_socket(cara)
    await socket.watch(team.pk)
    await in_thread(set_role, team, member=cara, role=Role.FREEBUSY)
    await socket.hear_of("reset")
    await in_thread(make_item, team, ana, title="LEAK")
    await socket.subscribe(team.pk, number=2)
    await socket.hear_of("subscribed")
    await in_thread(make_item, team, ana, title="LEAK")
    changed = await socket.hear_of("changes")
    assert changed["upserted"][0]["busy"] is True
    assert "LEAK" not in str(socket.frames)


async def test_a_new_member_is_told_of_the_calendar(open_socket: Open, team: Calendar, dan: User) -> None:
    socket = await open_socket(dan)
    await socket.hear_of("hello")
    await in_thread(set_role, team, member=dan, role=Role.VIEWER)
    assert (await socket.hear_of("calendar"))["calendar"]["id"] == str(team.pk)
    await socket.watch(team.pk)


async def test_one_who_opens_a_calendar_in_one_tab_sees_it_in_the_other(open_socket: Open, ana: User) -> None:
    socket = await open_socket(ana)
    await socket.hear_of("hello")
    made = await in_thread(create_calendar, "New", actor=ana)
    assert (await socket.hear_of("calendar"))["calendar"]["id"] == str(made.pk)
    await in_thread(delete_calendar, made.pk, actor=ana)
    assert (await socket.hear_of("rights"))["calendar"] == str(made.pk)
