"""Tests the site's versions of Django's middlewares: they give the same answers, without a thread for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar, Final

import pytest
from asgiref.sync import SyncToAsync
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, override_settings
from django.test.client import AsyncClientHandler
from django.urls import path
from django.utils.module_loading import import_string

from calendar_live.serving.middleware import OURS, AtOnceHandler, CsrfViewMiddleware
from project.settings import MIDDLEWARE as SITES
from tests.live.pages import in_thread

pytestmark = pytest.mark.django_db(transaction=True)

LONG: Final = Random(1).randbytes(4_000).hex()  # too long for a cookie even when compressed, so the session keeps it


def tell(request: HttpRequest) -> HttpResponse:
    messages.info(request, LONG)
    return HttpResponse("told")


def hear(request: HttpRequest) -> HttpResponse:
    return HttpResponse("".join(map(str, messages.get_messages(request))))


async def wait(request: HttpRequest) -> HttpResponse:
    return HttpResponse("waited")


urlpatterns = [path("tell/", tell), path("hear/", hear), path("wait/", wait)]


class Handler(AtOnceHandler, AsyncClientHandler):
    at_once: ClassVar[Mapping[str, str]] = {**OURS, "csp.middleware.CSPMiddleware": "project.middleware.CSPMiddleware"}


def client_of(*, ours: bool, enforce_csrf_checks: bool = False) -> AsyncClient:
    client = AsyncClient(enforce_csrf_checks=enforce_csrf_checks)
    if ours:
        client.handler = Handler(enforce_csrf_checks)
    return client


def test_the_site_has_one_for_each_but_that_of_static_files() -> None:
    """That of static files never uses a thread. The settings have Django's names, which its deployment checks need."""
    named = list(SITES)
    assert [name for name in named if name not in Handler.at_once] == ["servestatic.middleware.ServeStaticMiddleware"]
    for name, instead in Handler.at_once.items():
        assert issubclass(import_string(instead), import_string(name))
        assert import_string(instead).__name__ == name.rpartition(".")[2]
    with override_settings(MIDDLEWARE=SITES):
        Handler().load_middleware(is_async=True)
    assert named == SITES


def test_a_token_in_the_session_is_left_to_djangos_own() -> None:
    """Django's middleware reads the token in a thread."""
    with override_settings(CSRF_USE_SESSIONS=True):
        handler: Any = Handler()
        handler.load_middleware(is_async=True)
        assert not any(
            isinstance(getattr(one, "__self__", None), CsrfViewMiddleware) for one in handler._view_middleware
        )


async def answers(user: User, *, ours: bool) -> list[tuple[Any, ...]]:
    """Return the answers to a client that signs in, sends a form without its token, uses the API, and signs out."""
    client = client_of(ours=ours, enforce_csrf_checks=True)
    told: list[tuple[Any, ...]] = []

    async def ask(method: str, where: str, **given: Any) -> Any:
        answer = await getattr(client, method)(where, **given)
        headers = {
            name: value
            for name, value in answer.items()
            if name not in ("Content-Security-Policy", "Set-Cookie", "Expires")
        }
        policy = answer.get("Content-Security-Policy", "").partition("nonce-")[0]
        cookies = {name: (bool(one.value), one["httponly"], one["max-age"]) for name, one in answer.cookies.items()}
        if int(headers.get("Content-Length", 0)) > 500:  # a page, which contains tokens of varying length
            del headers["Content-Length"]
        told.append((method, where, answer.status_code, headers, policy, cookies))
        return answer

    await ask("get", "/healthz")
    page = await ask("get", "/login/", headers={"accept-language": "de"})
    form = {"username": user.get_username(), "password": "demo-1", "next": "/"}
    await ask("post", "/login/", data=form)
    token = client.cookies["csrftoken"].value
    assert page.status_code == 200
    await ask("post", "/login/", data={**form, "csrfmiddlewaretoken": token})
    await ask("get", "/")
    await ask("get", "/api/calendars/")
    await ask("post", "/api/calendars/", data={"name": "x"}, content_type="application/json")
    token = client.cookies["csrftoken"].value
    headers = {"x-csrftoken": token}
    await ask("post", "/api/calendars/", data={"name": ""}, content_type="application/json", headers=headers)
    await ask("get", "/api/nowhere/")
    await ask("get", "/nowhere")
    await ask("get", "/api/calendars")
    await ask("post", "/logout/", data={"csrfmiddlewaretoken": token})
    await ask("get", "/")
    return told


async def test_the_answers_are_those_of_djangos_own() -> None:
    """Statuses, headers and cookies are the same under ASGI."""
    user = await in_thread(User.objects.create_user, "ana", password="demo-1")
    given = await answers(user, ours=True)
    assert given == await answers(user, ours=False)
    assert {answer[2] for answer in given} >= {200, 302, 403, 404}


async def test_a_request_that_waits_crosses_to_a_thread_only_where_django_itself_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Django does so for its signals and for the end of an answer.

    With Django's own middlewares, there are about twenty more crossings.
    """
    crossings = []
    real = SyncToAsync.__call__

    async def noting(self: Any, *args: Any, **given: Any) -> Any:
        crossings.append(self.func)
        return await real(self, *args, **given)

    monkeypatch.setattr(SyncToAsync, "__call__", noting)
    with override_settings(ROOT_URLCONF=__name__):
        assert (await client_of(ours=True).get("/wait/")).content == b"waited"
        few = len(crossings)
        assert few <= 3, crossings
        await client_of(ours=False).get("/wait/")
    assert len(crossings) - few > few + 15


@pytest.mark.parametrize("storage", ["fallback.FallbackStorage", "session.SessionStorage"])
async def test_a_message_that_is_kept_in_the_session_waits_there_for_who_reads_it(storage: str) -> None:
    """A thread writes and reads the message.

    Fails with `SynchronousOnlyOperation` when the event loop checks whether there is a message.
    """
    client = client_of(ours=True)
    await client.aforce_login(await in_thread(User.objects.create_user, "ana"))
    with override_settings(ROOT_URLCONF=__name__, MESSAGE_STORAGE=f"django.contrib.messages.storage.{storage}"):
        assert (await client.get("/tell/")).content == b"told"
        assert (await client.get("/wait/")).content == b"waited"
        assert (await client.get("/hear/")).content.decode() == LONG
        assert (await client.get("/hear/")).content == b""
