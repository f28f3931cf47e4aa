"""Tests requests that wait for changes of a calendar: what ends a wait, what answers it, and that it leaves nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.test import Client, RequestFactory

from calendar_live.live.hub import Hub
from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import remove_member, set_role
from calendar_live.services.items import delete_item
from calendar_live.serving import asgi
from testbed.waiting import until
from tests.api.callers import LONG, SignIn, at_once, subscribe, waiting
from tests.api.calls import body_of
from tests.history import head_of
from tests.live.pages import in_thread
from tests.live.writing import lost_broadcasts, write

pytestmark = pytest.mark.django_db(transaction=True)


# --- what ends a wait ------------------------------------------------------------------------------------------------


async def test_a_deletion_answers_a_wait_with_the_bytes_of_the_same_question_asked_later(
    sign_in: SignIn, team: Calendar, ana: User, cara: User
) -> None:
    """Fails when the hub does not wake the wait, or when the answer differs from what `changes` tells this receiver."""
    [item] = await write(team, ana)
    state = await in_thread(head_of, team)
    callers = [await sign_in(ana), await sign_in(cara)]
    asked = [caller.changes(team, state) for caller in callers]
    await waiting(2)
    await in_thread(delete_item, team.pk, actor=ana, item_id=item.pk)
    for caller, answer, access in zip(callers, await asyncio.gather(*asked), ("full.1", "shared.1"), strict=True):
        assert body_of(answer)["destroyed"] == [str(item.pk)]
        assert answer["Calendar-State"] == str(await in_thread(head_of, team))
        assert answer["Calendar-Access"] == access
        assert "no-store" in answer["Cache-Control"]
        assert (await caller.changes(team, state, wait=0)).content == answer.content


async def test_a_wait_is_answered_at_once_when_something_has_changed_already(
    sign_in: SignIn, team: Calendar, ana: User
) -> None:
    state = await in_thread(head_of, team)
    await write(team, ana)
    answer = await (await sign_in(ana)).changes(team, state)
    assert len(body_of(answer)["upserted"]) == 1


async def test_a_lost_broadcast_costs_a_wait_a_head_check(sign_in: SignIn, team: Calendar, ana: User) -> None:
    state = await in_thread(head_of, team)
    asked = (await sign_in(ana)).changes(team, state)
    await waiting()
    with lost_broadcasts():
        await write(team, ana)
    assert len(body_of(await asked)["upserted"]) == 1


async def test_a_wait_ends_empty_when_its_time_is_over(
    sign_in: SignIn, team: Calendar, ana: User, settings: Any
) -> None:
    """Fails when the wait ignores the caller's `wait`, or the server's limit."""
    state = str(await in_thread(head_of, team))
    caller = await sign_in(ana)
    for limit, wait in ((LONG, "0.1"), (0, LONG)):
        settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_WAIT_SECONDS": limit}
        answer = await asyncio.wait_for(caller.changes(team, state, wait=wait), 20)
        assert (body_of(answer)["newState"], body_of(answer)["upserted"]) == (state, [])


async def test_a_state_that_cannot_be_verified_is_gone_at_once(sign_in: SignIn, team: Calendar, ana: User) -> None:
    answer = await (await sign_in(ana)).changes(team, "0.0123456789abcdef")
    assert (answer.status_code, body_of(answer)["code"]) == (410, "cannot_calculate_changes")


# --- who may wait ----------------------------------------------------------------------------------------------------


async def test_who_loses_the_calendar_while_waiting_hears_it_at_once(
    sign_in: SignIn, team: Calendar, cara: User
) -> None:
    """Invariant 7. Seen failing when a wait does not notice that its user's rights have changed."""
    asked = (await sign_in(cara)).changes(team, await in_thread(head_of, team))
    await waiting()
    await in_thread(remove_member, team, member=cara)
    assert (await at_once(asked)).status_code == 404


async def test_who_gets_another_role_while_waiting_hears_it_at_once(
    sign_in: SignIn, team: Calendar, cara: User
) -> None:
    asked = (await sign_in(cara)).changes(team, await in_thread(head_of, team))
    await waiting()
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    assert (await at_once(asked))["Calendar-Access"].startswith("full.")


@pytest.mark.parametrize("how", ["signs out", "is deactivated"])
async def test_who_is_signed_out_while_waiting_hears_it_at_once(
    how: str, sign_in: SignIn, team: Calendar, cara: User
) -> None:
    """Seen failing when a wait reads the memberships alone, and not the session."""
    caller = await sign_in(cara)
    asked = caller.changes(team, await in_thread(head_of, team))
    await waiting()
    if how == "signs out":
        await caller.client.alogout()
        await in_thread(_tell_of_sign_out, cara)
    else:
        cara.is_active = False
        await in_thread(cara.save)
    assert (await at_once(asked)).status_code == 401


async def test_who_is_signed_out_while_a_request_begins_to_wait_hears_it_at_once(
    sign_in: SignIn, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Invariant 7. Seen failing when the rights are not checked again after the request has entered the hub."""
    caller = await sign_in(ana)
    enter = Hub.enter

    async def enter_late(self: Hub, socket: Any) -> None:
        await caller.client.alogout()
        await in_thread(_tell_of_sign_out, ana)
        await enter(self, socket)

    monkeypatch.setattr(Hub, "enter", enter_late)
    assert (await at_once(caller.changes(team, await in_thread(head_of, team)))).status_code == 401


def _tell_of_sign_out(user: User) -> None:
    """Send what Django's own logout view sends: the test client does not end the session through that of a request."""
    request = RequestFactory().get("/")
    request.user, request.session = user, Client().session
    logout(request)


async def test_a_caller_may_only_have_so_many_requests_wait(
    sign_in: SignIn, team: Calendar, ana: User, cara: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_POLLS_PER_USER": 2}
    state = await in_thread(head_of, team)
    caller = await sign_in(ana)
    asked = [caller.changes(team, state) for _ in range(2)]
    await waiting(2)
    refused = await caller.changes(team, state)
    assert (refused.status_code, body_of(refused)["code"], refused["Retry-After"]) == (429, "too_many", "1")
    other = (await sign_in(cara)).changes(team, state)
    await waiting(3)
    await write(team, ana)
    assert {answer.status_code for answer in await asyncio.gather(*asked, other)} == {200}


# --- what it costs ---------------------------------------------------------------------------------------------------


async def test_a_caller_who_goes_away_leaves_nothing_behind(sign_in: SignIn, team: Calendar, ana: User) -> None:
    """The fixture checks that. Fails when a cancelled request does not leave the hub."""
    asked = (await sign_in(ana)).changes(team, await in_thread(head_of, team))
    await waiting()
    asked.cancel()
    await until(asked.done, what="the request to end")


def test_without_asgi_a_wait_is_answered_at_once(team: Calendar, ana: User) -> None:
    """A WSGI server has only threads: if waits held them, the site would stop. Fails when requests wait there too."""
    client = Client()
    client.force_login(ana)
    state = str(head_of(team))
    answer = client.get(f"/api/calendars/{team.pk}/changes/", {"since": state, "wait": "300"})
    assert answer.json()["newState"] == state
    body = {"wait": 300, "known": {}, "frames": [subscribe(team, state)]}
    told = client.post("/api/frames/", body, content_type="application/json")
    assert [frame["type"] for frame in told.json()["frames"]] == ["calendar", "subscribed"]


async def test_a_head_never_waits(sign_in: SignIn, team: Calendar, ana: User, settings: Any) -> None:
    """A HEAD request returns no changes to wait for. Seen failing (429) when `may_wait` checks for ASGI alone."""
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_POLLS_PER_USER": 0}
    since = str(await in_thread(head_of, team))
    client = (await sign_in(ana)).client
    answer = await client.head(f"/api/calendars/{team.pk}/changes/", {"since": since, "wait": LONG})
    assert (answer.status_code, answer["Calendar-State"]) == (200, since)


@pytest.mark.parametrize("make", [get_asgi_application, asgi.get_asgi_application], ids=["Django's", "ours"])
async def test_who_waits_holds_no_thread_and_no_connection(
    make: Callable[[], Any], sign_in: SignIn, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under ASGI each request has its own thread. Fails when a waiting request keeps it (`give_back_thread`)."""
    session = (await sign_in(ana)).client.cookies["sessionid"].value
    state = await in_thread(head_of, team)
    path = f"/api/calendars/{team.pk}/changes/"
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": f"since={state}&wait={LONG}".encode(),
        "headers": [(b"cookie", f"sessionid={session}".encode()), (b"host", b"localhost")],
    }
    monkeypatch.setattr(asgi, "_MOST_IDLE", 8)
    application = make()
    communicator: Any = ApplicationCommunicator  # asgiref has no types for it
    before = threading.active_count()  # threads of other tests may still run, and pools may not have started theirs
    asked = [communicator(application, dict(scope)) for _ in range(40)]
    for one in asked:
        await one.send_input({"type": "http.request", "body": b""})
    await waiting(len(asked))
    few = before + len(asked) // 2
    await until(lambda: threading.active_count() < few, what="the threads to be given back")
    await write(team, ana)
    for one in asked:
        assert (await one.receive_output(10))["status"] == 200
        await one.receive_output(10)
        await one.wait(10)
