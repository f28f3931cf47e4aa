"""What sessions grant, asked by many sockets at about the same time: one look, its statements counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from pytest_django import DjangoAssertNumQueries

from calendar_live.access import receiver_of
from calendar_live.live import reader
from calendar_live.models import Calendar
from calendar_live.receivers import Credential, Receiver, SessionKey

NOBODYS = SessionKey("of nobody")


def session_of(user: User) -> SessionKey:
    """Sign a user in, and return the session's key."""
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
    together = reader._granted_to_each([*keys, NOBODYS])
    assert [granted and granted.receiver for granted in together.values()] == [
        *map(receiver_of, (ben, cara, dan)),
        None,
    ]
    assert together == {key: reader._granted(key) for key in [*keys, NOBODYS]}
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
    assert reader._granted_to_each([ended, barred]) == {ended: None, barred: None}


@pytest.mark.parametrize(("sessions", "statements"), [(1, 5), (4, 11)])
def test_a_look_takes_two_statements_for_each_session_and_three_for_all(
    sessions: int,
    statements: int,
    team: Calendar,
    ben: User,
    cara: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    keys = [session_of((ben, cara)[number % 2]) for number in range(sessions)]
    with django_assert_num_queries(statements):
        reader._granted_to_each(keys)


def grant_of(shown: Credential) -> reader.Granted:
    """Return a grant that can be told from those of other sessions."""
    assert isinstance(shown, SessionKey)
    return reader.Granted(Receiver("user", shown.key), {})


def answering(monkeypatch: pytest.MonkeyPatch, failures: list[Exception]) -> list[list[str]]:
    """Let looks be answered without a database, first by these failures; return the list of what will be asked."""
    asked: list[list[str]] = []

    def answer(keys: Iterable[Credential]) -> dict[Credential, reader.Granted | None]:
        asked.append([key.key for key in keys if isinstance(key, SessionKey)])
        if failures:
            raise failures.pop()
        return {key: grant_of(key) for key in keys}

    monkeypatch.setattr(reader, "_granted_to_each", answer)
    monkeypatch.setattr(reader, "_GATHERING_SECONDS", 0.0)
    return asked


async def test_sockets_that_ask_together_are_answered_by_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, [])
    found = await asyncio.gather(*(reader.granted_at_leisure(SessionKey(key)) for key in ("a", "b", "a")))
    assert [granted and granted.receiver.id for granted in found] == ["a", "b", "a"]
    assert asked == [["a", "b"]]
    assert await reader.granted_at_leisure(SessionKey("a")) == grant_of(SessionKey("a"))
    assert asked == [["a", "b"], ["a"]], "an answer is never older than its question"


async def test_a_failed_look_fails_each_who_asked_and_the_next_one_works(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [OSError("the database is away")])
    found = await asyncio.gather(*(reader.granted_at_leisure(SessionKey(key)) for key in "ab"), return_exceptions=True)
    assert [str(failure) for failure in found] == ["the database is away"] * 2
    assert await reader.granted_at_leisure(SessionKey("a")) is not None


async def test_a_socket_that_goes_does_not_take_the_answer_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [])
    goes, stays = (asyncio.create_task(reader.granted_at_leisure(SessionKey("a"))) for _ in range(2))
    await asyncio.sleep(0)
    goes.cancel()
    assert await stays == grant_of(SessionKey("a"))


async def test_without_a_session_nothing_is_granted_and_nobody_asked() -> None:
    assert await reader.granted_at_leisure(None) is None
