"""Waiting for changes over HTTP: what ends a wait, what it is answered, who may wait, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import orjson
import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.db import connections
from django.test import AsyncClient, Client, RequestFactory
from prometheus_client import REGISTRY

from calendar_live.api.schemas import FramesIn
from calendar_live.live import longpoll, reader
from calendar_live.live.hub import get_hub
from calendar_live.models import Calendar, Role
from calendar_live.protocol import frames
from calendar_live.receivers import Receiver
from calendar_live.services.calendars import create_calendar, edit_calendar, remove_member, set_role
from calendar_live.services.work_items import delete_item
from tests.live.pages import in_thread
from tests.live.test_hub import head_of, lost_broadcasts, write
from tests.people import make_item
from tests.protocol import golden
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

# A wait that ends by itself ends the test: every answer below is due to news.
LONG: Final = 60


class Caller:
    """One signed-in caller's requests, each of which may wait while others go on."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    def changes(self, calendar: Calendar, since: object, wait: int | str = LONG) -> asyncio.Task[Any]:
        path = f"/api/calendars/{calendar.pk}/changes/"
        return asyncio.ensure_future(self.client.get(path, {"since": str(since), "wait": wait}))

    def frames(self, *asked: dict[str, Any], known: dict[str, str] | None = None, wait: float = 0) -> asyncio.Task[Any]:
        body = {"wait": wait, "known": known, "frames": list(asked)}
        return asyncio.ensure_future(
            self.client.post("/api/frames/", orjson.dumps(body), content_type="application/json")
        )


def subscribe(
    calendar: Calendar, state: object = None, access: str | None = "full.1", number: int = 1
) -> dict[str, Any]:
    return {
        "type": "subscribe",
        "id": number,
        "calendar": str(calendar.pk),
        "state": None if state is None else str(state),
        "access": None if state is None else access,
    }


SignIn = Callable[[User], Awaitable[Caller]]


@pytest.fixture
async def sign_in(settings: Any) -> AsyncIterator[SignIn]:
    """Return a function that signs a user in; at the end nobody may be left waiting."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.1, "MAX_WAIT_SECONDS": LONG}

    async def caller(user: User) -> Caller:
        client = AsyncClient()
        await client.aforce_login(user)
        return Caller(client)

    yield caller
    await sync_to_async(connections.close_all)()  # Django's test client leaves its thread's open
    hub = get_hub()
    await hub.look_at_heads()
    assert hub._served == {}
    assert hub._audiences == {}
    assert not longpoll._open
    assert REGISTRY.get_sample_value("calendar_live_polls") == 0
    await hub.close()


async def waiting(count: int = 1) -> None:
    """Wait until so many requests are subscribed and wait."""
    await until(
        lambda: (
            REGISTRY.get_sample_value("calendar_live_polls") == count
            and sum(
                member.waiting is None for served in get_hub()._served.values() for member in served.members.values()
            )
            == count
        ),
        what=f"{count} waiting",
    )


def body_of(answer: Any) -> Any:
    return orjson.loads(answer.content)


def kinds(answer: Any) -> list[str]:
    return [frame["type"] for frame in body_of(answer)["frames"]]


# --- one calendar ----------------------------------------------------------------------------------------------------


async def test_a_deletion_answers_a_wait_with_the_bytes_of_the_same_question_asked_later(
    sign_in: SignIn, team: Calendar, ana: User, cara: User
) -> None:
    """Fails when the wait is not woken by the hub, or answers with anything but what `changes` says to this receiver."""
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


async def test_a_lost_broadcast_costs_a_wait_a_look_at_the_heads(sign_in: SignIn, team: Calendar, ana: User) -> None:
    state = await in_thread(head_of, team)
    asked = (await sign_in(ana)).changes(team, state)
    await waiting()
    with lost_broadcasts():
        await write(team, ana)
    assert len(body_of(await asked)["upserted"]) == 1


async def test_a_wait_ends_empty_when_its_time_is_over(
    sign_in: SignIn, team: Calendar, ana: User, settings: Any
) -> None:
    """Fails when the caller's own time, or the server's limit of it, is not kept."""
    state = str(await in_thread(head_of, team))
    caller = await sign_in(ana)
    for limit, wait in ((LONG, "0.1"), (0, LONG)):
        settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_WAIT_SECONDS": limit}
        answer = await asyncio.wait_for(caller.changes(team, state, wait=wait), 20)
        assert (body_of(answer)["newState"], body_of(answer)["upserted"]) == (state, [])


async def test_a_state_that_cannot_be_verified_is_gone_at_once(sign_in: SignIn, team: Calendar, ana: User) -> None:
    answer = await (await sign_in(ana)).changes(team, "0.0123456789abcdef")
    assert (answer.status_code, body_of(answer)["code"]) == (410, "cannot_calculate_changes")


async def test_who_loses_the_calendar_while_waiting_hears_it_at_once(
    sign_in: SignIn, team: Calendar, cara: User
) -> None:
    """Invariant 7. Fails when a wait takes no notice of its user's rights."""
    asked = (await sign_in(cara)).changes(team, await in_thread(head_of, team))
    await waiting()
    await in_thread(remove_member, team, member=cara)
    assert (await asked).status_code == 404


async def test_who_gets_another_role_while_waiting_hears_it_at_once(
    sign_in: SignIn, team: Calendar, cara: User
) -> None:
    asked = (await sign_in(cara)).changes(team, await in_thread(head_of, team))
    await waiting()
    await in_thread(set_role, team, member=cara, role=Role.EDITOR)
    assert (await asked)["Calendar-Access"].startswith("full.")


@pytest.mark.parametrize("how", ["signs out", "is deactivated"])
async def test_who_is_signed_out_while_waiting_hears_it_at_once(
    how: str, sign_in: SignIn, team: Calendar, ana: User
) -> None:
    """Fails when a wait looks at the memberships alone, not at the session."""
    caller = await sign_in(ana)
    asked = caller.changes(team, await in_thread(head_of, team))
    await waiting()
    if how == "signs out":
        await caller.client.alogout()
        await in_thread(_tell_of_sign_out, ana)
    else:
        ana.is_active = False
        await in_thread(ana.save)
    assert (await asked).status_code == 401


def _tell_of_sign_out(user: User) -> None:
    """Send the word that Django's own logout view sends: the test client ends a session without a request's session."""
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


async def test_a_caller_who_goes_away_leaves_nothing_behind(sign_in: SignIn, team: Calendar, ana: User) -> None:
    """The fixture looks. Fails when a cancelled request does not leave the hub."""
    asked = (await sign_in(ana)).changes(team, await in_thread(head_of, team))
    await waiting()
    asked.cancel()
    await until(asked.done, what="the request to end")


def test_without_asgi_a_wait_is_answered_at_once(team: Calendar, ana: User) -> None:
    """A thread is all that a WSGI server has: holding it would stop the site. Fails when the wait is kept there too."""
    client = Client()
    client.force_login(ana)
    state = str(head_of(team))
    answer = client.get(f"/api/calendars/{team.pk}/changes/", {"since": state, "wait": "300"})
    assert answer.json()["newState"] == state
    body = {"wait": 300, "known": {}, "frames": [subscribe(team, state)]}
    told = client.post("/api/frames/", body, content_type="application/json")
    assert [frame["type"] for frame in told.json()["frames"]] == ["calendar", "subscribed"]


async def test_who_waits_holds_no_thread_and_no_connection(sign_in: SignIn, team: Calendar, ana: User) -> None:
    """Under ASGI each request gets a thread of its own. Fails when it is kept while the request waits (`give_back_thread`)."""
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
    application = get_asgi_application()
    communicator: Any = ApplicationCommunicator  # asgiref types none of it
    before = threading.active_count()  # other tests' threads may still be there
    asked = [communicator(application, dict(scope)) for _ in range(20)]
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


# --- all calendars of a page -----------------------------------------------------------------------------------------


async def test_a_first_turn_is_greeted_told_its_calendars_and_subscribed(
    sign_in: SignIn, team: Calendar, ana: User
) -> None:
    answer = await (await sign_in(ana)).frames(subscribe(team, number=7))
    assert kinds(answer) == ["hello", "calendar", "subscribed"]
    state = str(await in_thread(head_of, team))
    subscribed = {"type": "subscribed", "id": 7, "calendar": str(team.pk), "state": state, "access": "full.1"}
    assert body_of(answer)["frames"][2] == subscribed
    assert body_of(answer)["known"].keys() == {str(team.pk)}
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("case", golden.load("exchanges"), ids=lambda case: case["name"])
def test_an_exchange_of_the_contract_is_made_of_its_frames(case: dict[str, Any]) -> None:
    """The frames are held to the code by tests/protocol; here the rest: what is around them, and the versions that are known."""
    body = FramesIn.model_validate(case["request"])
    assert all(isinstance(frames.read(frame), frames.Subscribe) for frame in body.frames)
    told = [one["frame"] for one in golden.load("server-frames")]
    assert all(frame in told for frame in case["answer"]["frames"])
    [described] = [frame["calendar"] for frame in told if frame["type"] == "calendar"]
    assert case["answer"]["known"] == reader.Granted(Receiver("user", "1"), {described["id"]: described}).versions()
    assert case["answer"].keys() == {"known", "frames"}


async def test_one_turn_waits_for_all_calendars_and_hears_the_frames_of_a_socket(
    sign_in: SignIn, team: Calendar, ana: User
) -> None:
    """Fails when only the first calendar is listened to, or what is known is told again."""
    other = await in_thread(create_calendar, "Other", actor=ana)
    caller = await sign_in(ana)
    known = body_of(await caller.frames())["known"]
    states = [await in_thread(head_of, calendar) for calendar in (team, other)]
    asked = caller.frames(subscribe(team, states[0]), subscribe(other, states[1], number=2), known=known, wait=LONG)
    await waiting_for(2)
    [item] = await write(other, ana)
    answer = await asked
    assert kinds(answer) == ["subscribed", "subscribed", "changes"]
    assert body_of(answer)["frames"][2]["upserted"][0]["id"] == str(item.pk)
    assert body_of(answer)["frames"][2]["oldState"] == str(states[1])
    assert body_of(answer)["known"] == known


async def waiting_for(subscriptions: int) -> None:
    """Wait until one turn is live on so many calendars."""
    await until(
        lambda: REGISTRY.get_sample_value("calendar_live_subscriptions") == subscriptions,
        what=f"{subscriptions} subscriptions",
    )


async def test_what_was_missed_between_two_turns_is_replayed(sign_in: SignIn, team: Calendar, ana: User) -> None:
    caller = await sign_in(ana)
    known = body_of(await caller.frames())["known"]
    state = await in_thread(head_of, team)
    await write(team, ana, 2)
    answer = await caller.frames(subscribe(team, state), known=known, wait=LONG)
    assert kinds(answer) == ["changes", "changes", "subscribed"]


@pytest.mark.parametrize("moment", ["between two turns", "while waiting"])
async def test_a_page_is_told_of_calendars_that_come_go_and_change(
    moment: str, sign_in: SignIn, team: Calendar, ana: User, cara: User
) -> None:
    """As a socket is. Fails when `known` is not compared, or what is no longer there is not withdrawn."""
    caller = await sign_in(cara)

    async def told_of(happens: Callable[[], Any], known: dict[str, str]) -> Any:
        frame = subscribe(team, await in_thread(head_of, team), "shared.1")
        if moment == "between two turns":
            await in_thread(happens)
            return body_of(await caller.frames(frame, known=known, wait=LONG))
        asked = caller.frames(frame, known=known, wait=LONG)
        await waiting_for(1)
        await in_thread(happens)
        return body_of(await asked)

    known = body_of(await caller.frames())["known"]
    new = await in_thread(create_calendar, "New", actor=ana)
    told = await told_of(lambda: set_role(new, member=cara, role=Role.VIEWER), known)
    assert [one["calendar"]["name"] for one in told["frames"] if one["type"] == "calendar"] == ["New"]
    told = await told_of(lambda: edit_calendar(new.pk, actor=ana, changes={"name": "Newer"}), told["known"])
    assert [one["calendar"]["name"] for one in told["frames"] if one["type"] == "calendar"] == ["Newer"]
    told = await told_of(lambda: remove_member(new, member=cara), told["known"])
    assert [one["calendar"] for one in told["frames"] if one["type"] == "rights"] == [str(new.pk)]
    assert told["known"] == known
    told = await told_of(lambda: set_role(team, member=cara, role=Role.EDITOR), told["known"])
    assert [one["reason"] for one in told["frames"] if one["type"] == "reset"] == ["rights"]


async def test_a_turn_that_asks_for_what_one_may_not_see_is_refused_that_alone(
    sign_in: SignIn, team: Calendar, dan: User
) -> None:
    mine = await in_thread(create_calendar, "Mine", actor=dan)
    answer = await (await sign_in(dan)).frames(subscribe(team, number=3), subscribe(mine, number=4), known={})
    assert kinds(answer) == ["calendar", "error", "subscribed"]
    assert (body_of(answer)["frames"][1]["id"], body_of(answer)["frames"][1]["code"]) == (3, "forbidden")


async def test_a_waiting_page_is_sent_away_with_the_others(sign_in: SignIn, team: Calendar, ana: User) -> None:
    """A server that stops finishes its requests first: they must not keep it waiting."""
    caller = await sign_in(ana)
    known = body_of(await caller.frames())["known"]
    asked = caller.frames(subscribe(team, await in_thread(head_of, team)), known=known, wait=LONG)
    await waiting()
    get_hub().send_away(spread_ms=1_000)
    assert kinds(await asked)[-1] == "reconnect"


async def test_an_answer_stays_bounded_and_the_rest_is_asked_for_again(
    sign_in: SignIn, team: Calendar, ana: User, settings: Any
) -> None:
    """Fails when the bytes are not counted."""
    other = await in_thread(create_calendar, "Other", actor=ana)
    states = [await in_thread(head_of, calendar) for calendar in (team, other)]
    for calendar in (team, other):
        await in_thread(make_item, calendar, ana, description="x" * 5_000)
    caller = await sign_in(ana)
    known = body_of(await caller.frames())["known"]
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_BACKLOG_BYTES": 4_000}
    answer = await caller.frames(subscribe(team, states[0]), subscribe(other, states[1], number=2), known=known)
    assert [frame["calendar"] for frame in body_of(answer)["frames"]] == [str(team.pk)] * 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"frames": [{"type": "ping"}]}, 400, "malformed"),
        ({"frames": [{"type": "subscribe"}]}, 400, "malformed"),
        ({"frames": {}}, 422, "invalid"),
        ({"frames": [], "wait": -1}, 422, "invalid"),
        ({"frames": [], "nown": {}}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
    ids=str,
)
async def test_a_turn_that_cannot_be_read_is_refused(
    body: dict[str, Any], status: int, code: str, sign_in: SignIn, ana: User
) -> None:
    caller = await sign_in(ana)
    answer = await caller.client.post("/api/frames/", orjson.dumps(body), content_type="application/json")
    assert (answer.status_code, body_of(answer)["code"]) == (status, code)


async def test_only_who_is_signed_in_and_carries_the_csrf_token_is_answered(
    sign_in: SignIn, team: Calendar, ana: User
) -> None:
    """A foreign page could make a visitor's browser hold requests open. Fails when the call is exempt."""
    empty = orjson.dumps({"frames": []})
    answer = await AsyncClient().post("/api/frames/", empty, content_type="application/json")
    assert (answer.status_code, body_of(answer)["code"]) == (401, "signed_out")
    client = AsyncClient(enforce_csrf_checks=True)
    await client.aforce_login(ana)
    answer = await client.post("/api/frames/", empty, content_type="application/json")
    assert (answer.status_code, body_of(answer)["code"]) == (403, "forbidden")
