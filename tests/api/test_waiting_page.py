"""Tests a page that waits with HTTP requests: one turn serves all its calendars, and answers have a socket's frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient

from calendar_live.access.receivers import Receiver
from calendar_live.api.schemas import FramesIn
from calendar_live.live.hub import get_hub
from calendar_live.models import Calendar, Role
from calendar_live.protocol import frames
from calendar_live.reading.grant import Grant
from calendar_live.services.calendars import create_calendar, edit_calendar, remove_member, set_role
from tests.api.callers import LONG, SignIn, kinds, subscribe, waiting, waiting_for
from tests.api.calls import body_of
from tests.history import head_of
from tests.live.pages import in_thread
from tests.live.writing import write
from tests.people import make_calendar, make_item
from tests.protocol import golden

pytestmark = pytest.mark.django_db(transaction=True)


# --- what it is told -------------------------------------------------------------------------------------------------


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


async def test_a_page_of_somebody_else_is_told_that_it_is_signed_out(sign_in: SignIn, ana: User, ben: User) -> None:
    """Another user has signed in since. Seen failing when the server does not compare the users."""
    caller = await sign_in(ana)
    assert (await caller.frames(user=ana.pk)).status_code == 200
    answer = await caller.frames(user=ben.pk)
    assert (answer.status_code, body_of(answer)["code"]) == (401, "signed_out")


@pytest.mark.parametrize("case", golden.load("exchanges"), ids=lambda case: case["name"])
def test_an_exchange_of_the_contract_is_made_of_its_frames(case: dict[str, Any]) -> None:
    """tests/protocol compares the frames with the code. This tests the rest: what is around them, and `known`."""
    body = FramesIn.model_validate(case["request"])
    assert all(isinstance(frames.read(frame), frames.Subscribe) for frame in body.frames)
    told = [one["frame"] for one in golden.load("server-frames")]
    assert all(frame in told for frame in case["answer"]["frames"])
    [described] = [frame["calendar"] for frame in told if frame["type"] == "calendar"]
    assert case["answer"]["known"] == Grant(Receiver("user", "1"), {described["id"]: described}).versions()
    assert case["answer"].keys() == {"known", "frames"}


async def test_one_turn_waits_for_all_calendars_and_hears_the_frames_of_a_socket(
    sign_in: SignIn, team: Calendar, ana: User
) -> None:
    """Fails when the hub subscribes only the first calendar, or sends again what the page knows."""
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
    """A socket is told the same. Fails when `known` is not compared, or a calendar that is gone is not withdrawn."""
    caller = await sign_in(cara)

    async def told_of(happens: Callable[[], Any], known: dict[str, str], *, kind: str) -> tuple[list[Any], Any]:
        """Return the frames of a kind, and `known` after them. Takes another turn when an answer has no such frame."""
        frame = subscribe(team, await in_thread(head_of, team), "shared.1")
        if moment == "between two turns":
            await in_thread(happens)
        asked = asyncio.ensure_future(caller.frames(frame, known=known, wait=LONG))
        if moment == "while waiting":
            await waiting_for(1)
            await in_thread(happens)
        while True:
            answer = body_of(await asked)
            found = [one for one in answer["frames"] if one["type"] == kind]
            if found:
                return found, answer["known"]
            asked = asyncio.ensure_future(caller.frames(frame, known=answer["known"], wait=LONG))

    known = body_of(await caller.frames())["known"]
    new = await in_thread(create_calendar, "New", actor=ana)
    told, knows = await told_of(lambda: set_role(new, member=cara, role=Role.VIEWER), known, kind="calendar")
    assert [one["calendar"]["name"] for one in told] == ["New"]
    told, knows = await told_of(
        lambda: edit_calendar(new.pk, actor=ana, changes={"name": "Newer"}), knows, kind="calendar"
    )
    assert [one["calendar"]["name"] for one in told] == ["Newer"]
    told, knows = await told_of(lambda: remove_member(new, member=cara), knows, kind="rights")
    assert [one["calendar"] for one in told] == [str(new.pk)]
    assert knows == known
    told, _ = await told_of(lambda: set_role(team, member=cara, role=Role.EDITOR), knows, kind="reset")
    assert [one["reason"] for one in told] == ["rights"]


async def test_a_waiting_page_is_sent_away_with_the_others(sign_in: SignIn, team: Calendar, ana: User) -> None:
    """A server that stops finishes its requests first, so waiting requests must not delay it."""
    caller = await sign_in(ana)
    known = body_of(await caller.frames())["known"]
    asked = caller.frames(subscribe(team, await in_thread(head_of, team)), known=known, wait=LONG)
    await waiting()
    get_hub()._audiences.send_away(spread_ms=1_000)
    assert kinds(await asked)[-1] == "reconnect"


# --- what it is refused ----------------------------------------------------------------------------------------------


async def test_a_turn_that_asks_for_what_one_may_not_see_is_refused_that_alone(
    sign_in: SignIn, team: Calendar, dan: User
) -> None:
    mine = await in_thread(create_calendar, "Mine", actor=dan)
    answer = await (await sign_in(dan)).frames(subscribe(team, number=3), subscribe(mine, number=4), known={})
    assert kinds(answer) == ["calendar", "error", "subscribed"]
    assert (body_of(answer)["frames"][1]["id"], body_of(answer)["frames"][1]["code"]) == (3, "forbidden")


async def test_a_page_of_more_calendars_than_it_may_follow_is_told_of_the_first_and_refused_the_others_one_by_one(
    sign_in: SignIn, ana: User, settings: Any
) -> None:
    """Seen failing when the whole request is refused: after a 429 a page stops for good."""
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_SUBSCRIPTIONS_PER_SOCKET": 2}
    calendars = [await in_thread(make_calendar, ana) for _ in range(4)]
    caller = await sign_in(ana)
    answer = await caller.frames(*(subscribe(one, number=number) for number, one in enumerate(calendars)))
    ended = [frame for frame in body_of(answer)["frames"] if frame["type"] in ("subscribed", "error")]
    assert [(frame["type"], frame["id"]) for frame in ended] == [
        ("subscribed", 0),
        ("subscribed", 1),
        ("error", 2),
        ("error", 3),
    ]
    assert {(frame["code"], frame["detail"]) for frame in ended[2:]} == {
        ("too_many", "A page follows at most 2 calendars.")
    }
    known, states = body_of(answer)["known"], [frame["state"] for frame in ended[:2]]
    followed = [
        subscribe(one, state, number=number) for number, (one, state) in enumerate(zip(calendars, states, strict=False))
    ]
    waits = caller.frames(*followed, known=known, wait=LONG)
    await waiting(2, polls=1)
    await write(calendars[1], ana)
    assert "changes" in kinds(await waits)


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
    """Another site could make a visitor's browser hold requests open. Fails when the call is exempt from the check."""
    empty = orjson.dumps({"frames": []})
    answer = await AsyncClient().post("/api/frames/", empty, content_type="application/json")
    assert (answer.status_code, body_of(answer)["code"]) == (401, "signed_out")
    client = AsyncClient(enforce_csrf_checks=True)
    await client.aforce_login(ana)
    answer = await client.post("/api/frames/", empty, content_type="application/json")
    assert (answer.status_code, body_of(answer)["code"]) == (403, "forbidden")
