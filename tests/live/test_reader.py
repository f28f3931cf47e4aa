"""Tests that many sockets that ask for the grants of their sessions at about the same time share one read."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from pytest_django import DjangoAssertNumQueries

from calendar_live import access
from calendar_live.access import receiver_of
from calendar_live.access.credentials import Credential, SessionKey
from calendar_live.access.receivers import Receiver
from calendar_live.live import reader, seat
from calendar_live.live.hub import get_hub
from calendar_live.models import Calendar
from calendar_live.reading.grant import Grant
from calendar_live.services.calendars import remove_member
from testbed.waiting import until
from tests.live.pages import in_thread
from tests.live.sockets import PATIENCE, Socket, sign_in
from tests.people import make_calendar, make_item

NOBODYS = SessionKey("of nobody")


def session_of(user: User) -> SessionKey:
    """Sign a user in. Return the session's key."""
    request = HttpRequest()
    request.session = SessionStore()
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    assert request.session.session_key
    return SessionKey(request.session.session_key)


def test_each_session_is_granted_what_its_user_may_see_and_no_more(
    team: Calendar, ben: User, cara: User, dan: User
) -> None:
    keys = [session_of(user) for user in (ben, cara, dan)]
    together = reader._grants_of_each([*keys, NOBODYS])
    assert [grant and grant.receiver for grant in together.values()] == [
        *map(receiver_of, (ben, cara, dan)),
        None,
    ]
    assert together == {key: reader._grants_of_each([key])[key] for key in [*keys, NOBODYS]}
    ours, theirs, nothing = (together[key] for key in keys)
    assert ours is not None
    assert theirs is not None
    assert nothing is not None
    assert ours.calendars[str(team.pk)]["role"] == "editor"
    assert theirs.calendars[str(team.pk)]["role"] == "viewer"
    assert nothing.calendars == {}


def test_a_session_that_ended_and_a_user_who_was_barred_are_granted_nothing(
    team: Calendar, ben: User, cara: User
) -> None:
    ended, barred = session_of(ben), session_of(cara)
    SessionStore(ended.key).delete()
    User.objects.filter(pk=cara.pk).update(is_active=False)
    assert reader._grants_of_each([ended, barred]) == {ended: None, barred: None}


@pytest.mark.parametrize(("sessions", "statements"), [(1, 4), (4, 10)])
def test_a_read_takes_two_statements_for_each_session_and_two_for_all(
    sessions: int,
    statements: int,
    team: Calendar,
    ben: User,
    cara: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    keys = [session_of((ben, cara)[number % 2]) for number in range(sessions)]
    with django_assert_num_queries(statements):
        reader._grants_of_each(keys)


def grant_to(credential: Credential) -> Grant:
    """Return a grant that differs from those of other sessions."""
    assert isinstance(credential, SessionKey)
    return Grant(Receiver("user", credential.key))


def answering(monkeypatch: pytest.MonkeyPatch, failures: list[Exception]) -> list[list[str]]:
    """Answer reads without a database, first with these failures. Return a list to which each read adds its keys."""
    asked: list[list[str]] = []

    def answer(keys: Iterable[Credential]) -> dict[Credential, Grant | None]:
        asked.append([key.key for key in keys if isinstance(key, SessionKey)])
        if failures:
            raise failures.pop()
        return {key: grant_to(key) for key in keys}

    monkeypatch.setattr(reader, "_grants_of_each", answer)
    monkeypatch.setattr(reader, "_GATHERING_SECONDS", 0.0)
    return asked


async def test_sockets_that_ask_together_are_answered_by_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, [])
    found = await asyncio.gather(*(reader.grant_of(SessionKey(key), at_leisure=True) for key in ("a", "b", "a")))
    assert [grant and grant.receiver.id for grant in found] == ["a", "b", "a"]
    assert asked == [["a", "b"]]
    assert await reader.grant_of(SessionKey("a"), at_leisure=True) == grant_to(SessionKey("a"))
    assert asked == [["a", "b"], ["a"]], "an answer is never older than its question"


async def test_what_is_asked_while_calls_are_under_way_is_read_by_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pages may come back all at once. Seen failing with a call for each page.

    A call that hangs holds up only the pages of the next call.
    """
    asked: list[list[str]] = []
    goes_on = threading.Event()

    def answer(keys: Iterable[Credential]) -> dict[Credential, Grant | None]:
        asked.append([key.key for key in keys if isinstance(key, SessionKey)])
        assert goes_on.wait(PATIENCE)
        return {key: grant_to(key) for key in keys}

    async def calls(count: int) -> None:
        await until(lambda: len(asked) == count, what="the calls")

    monkeypatch.setattr(reader, "_grants_of_each", answer)
    reads = []
    for key, count in zip("abcdc", (1, 2, 2, 2, 2), strict=True):
        reads.append(asyncio.create_task(reader.grant_of(SessionKey(key))))
        await asyncio.sleep(0)
        await calls(count)
    goes_on.set()
    found = await asyncio.gather(*reads)
    assert [grant and grant.receiver.id for grant in found] == list("abcdc")
    assert asked == [["a"], ["b"], ["c", "d"]]


async def test_a_failed_read_fails_each_who_asked_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [OSError("the database is away")])
    found = await asyncio.gather(
        *(reader.grant_of(SessionKey(key), at_leisure=True) for key in "ab"), return_exceptions=True
    )
    assert [str(failure) for failure in found] == ["the database is away"] * 2
    assert await reader.grant_of(SessionKey("a"), at_leisure=True) is not None


async def test_a_socket_that_goes_does_not_take_the_answer_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [])
    goes, stays = (asyncio.create_task(reader.grant_of(SessionKey("a"), at_leisure=True)) for _ in range(2))
    await asyncio.sleep(0)
    goes.cancel()
    assert await stays == grant_to(SessionKey("a"))


async def test_without_a_session_nothing_is_granted_and_nobody_asked() -> None:
    assert await reader.grant_of(None, at_leisure=True) is None


@pytest.mark.django_db(transaction=True)
async def test_a_check_that_was_asked_for_and_failed_is_made_again(
    team: Calendar, cara: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retry comes long before the next heartbeat. Seen failing when only the heartbeat checks again."""
    settings.ALLOWED_HOSTS = ["testserver"]
    monkeypatch.setattr(seat, "RETRY_SECONDS", 0.05)
    read, checked, failed = reader.grant_of, asyncio.Event(), asyncio.Event()

    async def read_and_tell(credential: Credential | None, *, at_leisure: bool = False) -> Grant | None:
        grant = await read(credential, at_leisure=at_leisure)
        if at_leisure:
            checked.set()
        return grant

    monkeypatch.setattr(reader, "grant_of", read_and_tell)
    socket = Socket(await in_thread(sign_in, cara))
    await socket.open()
    await socket.subscribe(team.pk)
    await socket.hear_of("subscribed")
    async with asyncio.timeout(PATIENCE):
        await checked.wait()  # the check with which each socket begins

    async def fail(_: Credential, *, at_leisure: bool) -> None:
        failed.set()
        raise ConnectionError("the database is away")

    with monkeypatch.context() as away:
        away.setattr(reader, "grant_of", fail)
        await in_thread(remove_member, team, member=cara)
        async with asyncio.timeout(PATIENCE):
            await failed.wait()
    assert await socket.hear_of("rights") == {"type": "rights", "calendar": str(team.pk), "rights": None}
    await socket.disconnect()
    await get_hub().close()


@pytest.mark.django_db(transaction=True)
async def test_a_socket_that_opens_while_the_database_is_away_is_to_try_again(
    ana: User, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing when daphne gets the error of the database: it tells the page nothing."""
    settings.ALLOWED_HOSTS = ["testserver"]

    async def fail(_: Credential) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr(reader, "grant_of", fail)
    socket = Socket(await in_thread(sign_in, ana))
    await socket.open()
    assert await socket.closed() == 4001
    assert "could not be let in" in caplog.text
    await socket.disconnect()


@pytest.mark.django_db(transaction=True)
async def test_places_that_many_ask_for_at_once_are_read_together(
    team: Calendar, ana: User, cara: User, dan: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each user gets their own standings in the calendars that they name. Seen failing with a call for each request."""
    mine = await in_thread(make_calendar, ana, name="Mine")
    await in_thread(make_item, mine, ana)
    named = [str(team.pk), str(mine.pk)]
    asked = [(user, calendars) for user in (ana, cara, dan) for calendars in (named[:1], named[1:], named)]
    calls: list[int] = []
    real = access.standings_for

    def counted(receivers: Any, **given: Any) -> Any:
        calls.append(len(set(receivers)))
        return real(receivers, **given)

    monkeypatch.setattr(access, "standings_for", counted)
    answers = await asyncio.gather(*(reader.standings(receiver_of(user), calendars) for user, calendars in asked))
    assert sum(calls) <= 2 * len({user for user, _ in asked})
    assert len(calls) <= 2
    for (user, calendars), answer in zip(asked, answers, strict=True):
        alone = await in_thread(access.standings, user, calendars=calendars)
        assert answer == {one.calendar: one for one in alone}
    assert [len(answer) for answer in answers] == [1, 1, 2, 1, 0, 1, 0, 0, 0]
