"""Tests live public links by WebSocket and by request: they send what they may, and end or show less at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import AsyncClient
from django.utils import timezone
from prometheus_client import REGISTRY

from calendar_live.access import receiver_of
from calendar_live.access.credentials import link_token
from calendar_live.access.receivers import link_receiver
from calendar_live.live import consumer, longpoll
from calendar_live.live.hub import Hub, get_hub
from calendar_live.models import Calendar, PublicLink, Role
from calendar_live.services.calendars import delete_calendar, edit_calendar, set_role
from calendar_live.services.items import update_item
from calendar_live.services.sharing import edit_link, withdraw_link
from testbed.waiting import until
from tests.api.callers import LONG, subscribe
from tests.history import head_of
from tests.live.pages import Page, in_thread
from tests.live.sockets import Open, Socket, sign_in
from tests.live.writing import lost_broadcasts, settled
from tests.people import make_calendar, make_item, make_link, make_user

pytestmark = pytest.mark.django_db(transaction=True)

LEAK: Final = "LEAK"


def path_of(link: PublicLink) -> str:
    return f"/ws/?link={link_token(link.pk).token}"


@pytest.fixture
async def stranger(settings: Any) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that requests frames by a link, without an account. At the end, no request may still wait."""
    settings.CALENDAR_LIVE = {"HEAD_CHECK_SECONDS": 0.1, "MAX_WAIT_SECONDS": LONG}

    async def ask(
        link: PublicLink, *asked: dict[str, Any], known: dict[str, str] | None = None, wait: float = 0
    ) -> tuple[int, Any]:
        answer = await AsyncClient(enforce_csrf_checks=True).post(
            "/api/frames/",
            orjson.dumps({"wait": wait, "known": known, "frames": list(asked)}),
            content_type="application/json",
            headers={"Authorization": f"Link {link_token(link.pk).token}"},
        )
        return answer.status_code, orjson.loads(answer.content)

    yield ask
    await sync_to_async(connections.close_all)()  # Django's test client leaves its thread's connections open
    assert not longpoll._seats.taken
    await get_hub().close()


async def test_one_by_a_link_is_told_its_calendar_and_hears_of_changes(
    open_socket: Open, team: Calendar, ana: User
) -> None:
    link = await in_thread(make_link, team, ana)
    socket = await open_socket(path=path_of(link))
    told = (await socket.hear_of("calendar"))["calendar"]
    assert (told["id"], told["role"], told["rights"], told["people"]) == (str(team.pk), "link", "public", [])
    await socket.subscribe(team.pk)
    assert (await socket.hear_of("subscribed"))["access"] == "public.1"
    await in_thread(make_item, team, ana, title="Open day", assignee_keys=[str(ana.pk)])
    frame = await socket.hear_of("changes")
    [item] = frame["upserted"]
    assert (item["title"], item["assignees"], "createdBy" in item, frame["actor"]) == ("Open day", [], False, None)


async def test_a_cookie_beside_a_link_counts_for_nothing(open_socket: Open, team: Calendar, ana: User) -> None:
    """Seen failing when the cookie is read first."""
    link = await in_thread(make_link, team, ana, shows="freebusy")
    session = await in_thread(sign_in, ana)
    socket = await open_socket(session=session, path=path_of(link))
    assert (await socket.hear_of("calendar"))["calendar"]["access"] == "freebusy.1"
    refused = await open_socket(session=session, path="/ws/?link=nothing")
    assert await refused.closed() == consumer.SIGNED_OUT


@pytest.mark.parametrize("origin", ["null", "http://www.example.org", None])
async def test_a_socket_by_a_link_is_opened_by_the_sites_own_pages_alone(
    open_socket: Open, team: Calendar, ana: User, origin: str | None
) -> None:
    link = await in_thread(make_link, team, ana)
    socket = await open_socket(path=path_of(link), origin=origin)
    assert await socket.closed() == consumer.FORBIDDEN


Act = Callable[[PublicLink, User], None]


def withdraw(link: PublicLink, owner: User) -> None:
    withdraw_link(link.calendar_id, actor=owner, link_id=link.pk)


def delete(link: PublicLink, owner: User) -> None:
    delete_calendar(link.calendar_id, actor=owner)


async def watching(open_socket: Open, link: PublicLink) -> Socket:
    """Return a socket that is live on the link's calendar."""
    socket = await open_socket(path=path_of(link))
    await socket.watch(link.calendar_id)
    return socket


async def watched(open_socket: Open, team: Calendar, owner: User, **values: Any) -> tuple[PublicLink, Socket]:
    """Return a new link, and a socket that is live on its calendar."""
    link = await in_thread(make_link, team, owner, **values)
    return link, await watching(open_socket, link)


@pytest.mark.parametrize("act", [withdraw, delete])
async def test_who_looks_loses_everything_at_once_when_a_link_ends(
    open_socket: Open,
    team: Calendar,
    ana: User,
    act: Act,
    settings: Any,
    first_checks: Callable[[int], Awaitable[None]],
) -> None:
    """Invariant 7. Seen failing when `withdraw_link` announces nothing: the heartbeat is an hour away."""
    settings.CALENDAR_LIVE = {"HEARTBEAT_SECONDS": 3_600, "HEAD_CHECK_SECONDS": 0.1}
    link, other = await in_thread(make_link, team, ana), await in_thread(make_link, team, ana)
    socket = await watching(open_socket, link)
    stays = await watching(open_socket, other) if act is withdraw else None
    await first_checks(1 if stays is None else 2)
    await in_thread(act, link, ana)
    assert await socket.hear_of("rights") == {"type": "rights", "calendar": str(team.pk), "rights": None}
    assert await socket.closed() == consumer.SIGNED_OUT
    if stays is not None:
        await in_thread(make_item, team, ana, title="Next")
        assert (await stays.hear_of("changes"))["upserted"][0]["title"] == "Next"
        assert all(frame["type"] != "changes" for frame in socket.frames)
    again = await open_socket(path=path_of(link))
    assert await again.closed() == consumer.SIGNED_OUT


async def test_an_expiry_ends_what_is_open_by_a_timer(
    open_socket: Open, team: Calendar, ana: User, settings: Any
) -> None:
    """Seen failing with a seat that does not wake when its link expires: the heartbeat is a minute away."""
    settings.CALENDAR_LIVE = {"HEARTBEAT_SECONDS": LONG, "HEAD_CHECK_SECONDS": 0.1}
    expires_at = timezone.now() + timedelta(seconds=1.5)
    _, socket = await watched(open_socket, team, ana, expires_at=expires_at)
    assert (await socket.hear_of("rights"))["rights"] is None
    assert await socket.closed() == consumer.SIGNED_OUT
    assert timezone.now() >= expires_at  # and not too early


async def test_an_expiry_that_is_put_off_ends_nothing(
    open_socket: Open, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"HEARTBEAT_SECONDS": LONG, "HEAD_CHECK_SECONDS": 0.1}
    expires_at = timezone.now() + timedelta(seconds=2)
    link, socket = await watched(open_socket, team, ana, expires_at=expires_at)
    later = {"expires_at": timezone.now() + timedelta(days=1)}
    await in_thread(edit_link, team.pk, actor=ana, link_id=link.pk, changes=later)
    await until(lambda: timezone.now() > expires_at, what="the first expiry to pass")
    await in_thread(make_item, team, ana)
    await socket.hear_of("changes")


async def test_what_is_done_behind_the_applications_back_is_found_by_the_heartbeat(
    open_socket: Open, team: Calendar, ana: User, settings: Any
) -> None:
    """Seen failing when a heartbeat does not check the rights."""
    settings.CALENDAR_LIVE = {"HEARTBEAT_SECONDS": 1, "HEAD_CHECK_SECONDS": 0.1}
    link, socket = await watched(open_socket, team, ana)
    await in_thread(PublicLink.objects.filter(pk=link.pk).update, withdrawn_at=timezone.now())
    assert await socket.closed() == consumer.SIGNED_OUT
    assert "rights" in [frame["type"] for frame in socket.frames]


async def test_a_withdrawal_that_redis_lost_is_found_by_the_heartbeat(
    open_socket: Open, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"HEARTBEAT_SECONDS": 1, "HEAD_CHECK_SECONDS": 0.1}
    link, socket = await watched(open_socket, team, ana)
    with lost_broadcasts():
        await in_thread(withdraw, link, ana)
    assert await socket.closed() == consumer.SIGNED_OUT


async def test_another_scope_resets_who_looks_and_a_replay_is_redacted_by_the_rights_of_now(
    open_socket: Open, team: Calendar, ana: User
) -> None:
    """S5: neither the old access nor the new one replays what the link showed with more rights.

    Seen failing when `edit_link` does not change the version, and when the hub does not compare the access.
    """
    start = await in_thread(head_of, team)
    link = await in_thread(make_link, team, ana)
    item = await in_thread(make_item, team, ana, title=LEAK, description=LEAK)
    socket = await watching(open_socket, link)
    await in_thread(edit_link, team.pk, actor=ana, link_id=link.pk, changes={"shows": "freebusy"})
    reset = await socket.hear_of("reset")
    assert (reset["reason"], reset["spreadMs"]) == ("rights", 2_000), "a link may have any number of pages"
    before = len(socket.frames)
    await socket.subscribe(team.pk, number=2, state=str(start), access="public.1")
    assert (await socket.hear_of("reset"))["reason"] == "rights"
    await socket.subscribe(team.pk, number=3, state=str(start), access="freebusy.2")
    replayed = await socket.hear_of("changes")
    assert [one["id"] for one in replayed["upserted"]] == [str(item.pk)]
    await in_thread(
        update_item, team.pk, actor=ana, item_id=item.pk, changes={"title": f"{LEAK} 2"}, expected_state=None
    )
    await socket.hear_of("changes")
    assert LEAK not in str(socket.frames[before:])


async def test_a_renamed_calendar_is_told_to_who_looks(open_socket: Open, team: Calendar, ana: User) -> None:
    _, socket = await watched(open_socket, team, ana)
    await in_thread(edit_calendar, team.pk, actor=ana, changes={"name": "Open days"})
    assert (await socket.hear_of("calendar"))["calendar"]["name"] == "Open days"


async def test_a_link_has_so_many_sockets_and_no_other_link_pays_for_it(
    open_socket: Open, team: Calendar, ana: User, settings: Any
) -> None:
    settings.CALENDAR_LIVE = {"MAX_SOCKETS_PER_LINK": 1, "HEAD_CHECK_SECONDS": 0.1}
    link, other = await in_thread(make_link, team, ana), await in_thread(make_link, team, ana)
    await watching(open_socket, link)
    refused = await open_socket(path=path_of(link))
    assert await refused.closed() == consumer.TOO_MANY
    await watching(open_socket, other)


async def test_one_by_a_link_cannot_subscribe_to_another_calendar(open_socket: Open, team: Calendar, ana: User) -> None:
    link = await in_thread(make_link, team, ana)
    other = await in_thread(make_calendar, ana, name="Other")
    socket = await open_socket(path=path_of(link))
    await socket.subscribe(other.pk)
    assert (await socket.hear_of("error"))["code"] == "forbidden"
    assert str(other.pk) not in str([frame for frame in socket.frames if frame["type"] == "calendar"])


async def test_a_change_is_encoded_once_for_each_rights_class_however_many_receivers(
    hub: Hub, team: Calendar, ana: User, ben: User, cara: User
) -> None:
    """Members and links share encodings. Seen failing when there is one for each receiver, or each kind of receiver."""
    free = await in_thread(make_user, "free")
    await in_thread(set_role, team, member=free, role=Role.FREEBUSY)
    links = [await in_thread(make_link, team, ana, shows=shows) for shows in ("full", "full", "freebusy", "freebusy")]
    receivers = [*map(receiver_of, (ana, ben, cara, free)), *(link_receiver(link.pk) for link in links)]
    pages = [Page(receiver) for receiver in receivers for _ in range(3)]
    for page in pages:
        await page.subscribe(hub, team)
    parent = await in_thread(make_item, team, ana)
    for page in pages:
        await settled(page, team)
    before = REGISTRY.get_sample_value("calendar_live_encodings_total") or 0
    await in_thread(make_item, team, ana, parent_id=parent.pk)
    for page in pages:
        await settled(page, team)
    assert REGISTRY.get_sample_value("calendar_live_encodings_total") == before + 4
    assert len({page.texts[-1] for page in pages}) == 4, "full, shared, public and freebusy"


# --- without a WebSocket ---------------------------------------------------------------------------------------------


async def asked_and_waiting(stranger: Any, link: PublicLink, calendar: Calendar) -> Any:
    """Return a request that waits for changes of the link's calendar."""
    access = "public.1" if link.shows == "full" else "freebusy.1"
    known = (await stranger(link))[1]["known"]
    frame = subscribe(calendar, await in_thread(head_of, calendar), access)
    task = asyncio.ensure_future(stranger(link, frame, known=known, wait=LONG))
    await until(lambda: REGISTRY.get_sample_value("calendar_live_polls") == 1, what="the request to wait")
    return task


async def test_a_request_by_a_link_hears_of_a_change_at_once(stranger: Any, team: Calendar, ana: User) -> None:
    link = await in_thread(make_link, team, ana)
    task = await asked_and_waiting(stranger, link, team)
    await in_thread(make_item, team, ana, title="Open day", assignee_keys=[str(ana.pk)])
    status, body = await task
    [changes] = [frame for frame in body["frames"] if frame["type"] == "changes"]
    assert (status, changes["actor"], changes["upserted"][0]["assignees"]) == (200, None, [])


@pytest.mark.parametrize("act", [withdraw, delete])
async def test_a_waiting_request_is_told_when_its_link_ends_and_the_next_is_refused(
    stranger: Any, team: Calendar, ana: User, act: Act
) -> None:
    """Seen failing when `withdraw_link` announces nothing."""
    link = await in_thread(make_link, team, ana)
    task = await asked_and_waiting(stranger, link, team)
    await in_thread(act, link, ana)
    status, body = await task
    assert status == 200
    assert {"type": "rights", "calendar": str(team.pk), "rights": None} in body["frames"]
    assert (await stranger(link, known=body["known"]))[0] == 401


async def test_a_waiting_request_is_told_when_the_time_of_its_link_is_over(
    stranger: Any, team: Calendar, ana: User
) -> None:
    """Seen failing with a seat that does not wake when its link expires."""
    expires_at = timezone.now() + timedelta(seconds=2)
    link = await in_thread(make_link, team, ana, expires_at=expires_at)
    task = await asked_and_waiting(stranger, link, team)
    status, body = await task
    assert status == 200
    assert {"type": "rights", "calendar": str(team.pk), "rights": None} in body["frames"]
    assert timezone.now() - expires_at < timedelta(seconds=10), "promised within one second"


async def test_a_link_has_so_many_waiting_requests(stranger: Any, team: Calendar, ana: User, settings: Any) -> None:
    link = await in_thread(make_link, team, ana)
    task = await asked_and_waiting(stranger, link, team)
    settings.CALENDAR_LIVE = settings.CALENDAR_LIVE | {"MAX_POLLS_PER_LINK": 1}
    assert (await stranger(link))[0] == 429
    await in_thread(make_item, team, ana)
    assert (await task)[0] == 200
