"""Django's middlewares as the site runs them: the same answers, without a thread for each."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings as site
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.checks import Tags, run_checks
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path

from project import middleware as ours
from tests.live.pages import in_thread

pytestmark = pytest.mark.django_db(transaction=True)

LONG: Final = "told " * 1_000  # too long for a cookie: it is kept in the session


def tell(request: HttpRequest) -> HttpResponse:
    messages.info(request, LONG)
    return HttpResponse("told")


def hear(request: HttpRequest) -> HttpResponse:
    return HttpResponse("".join(map(str, messages.get_messages(request))))


async def wait(request: HttpRequest) -> HttpResponse:
    return HttpResponse("waited")


urlpatterns = [path("tell/", tell), path("hear/", hear), path("wait/", wait)]


def as_django_has_them() -> list[str]:
    """Return the names of what stands in for what, in the site's order."""
    names = []
    for name in site.MIDDLEWARE:
        module, _, member = name.rpartition(".")
        found = getattr(import_module(module), member)
        names.append(name if module != ours.__name__ else f"{found.__mro__[2].__module__}.{found.__mro__[2].__name__}")
    return names


def test_each_stands_in_for_djangos_own() -> None:
    assert as_django_has_them() == [
        "django.middleware.security.SecurityMiddleware",
        "servestatic.middleware.ServeStaticMiddleware",
        "csp.middleware.CSPMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]


def test_djangos_checks_find_nothing_but_what_a_trial_leaves_open() -> None:
    """They look for three of the middlewares by name. What is left of DEBUG and plain HTTP is a production site's to close."""
    own = {"MIDDLEWARE": as_django_has_them(), "SILENCED_SYSTEM_CHECKS": []}
    production = {
        "DEBUG": False,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 60,
        "ALLOWED_HOSTS": ["a.example"],
    }
    production |= {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True, "SECRET_KEY": "0123456789abcdefgh" * 4}
    production |= {"SECURE_HSTS_INCLUDE_SUBDOMAINS": True, "SECURE_HSTS_PRELOAD": True}
    with override_settings(**own, **production):
        assert run_checks(tags=[Tags.security], include_deployment_checks=True) == []


async def answers(user: User) -> list[tuple[Any, ...]]:
    """Return what a client is answered, through sign-in, a form without its token, the API, and sign-out."""
    client = AsyncClient(enforce_csrf_checks=True)
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
        if int(headers.get("Content-Length", 0)) > 500:  # of pages, which hold tokens of any length
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
    """Statuses, headers and cookies, under ASGI."""
    user = await in_thread(User.objects.create_user, "ana", password="demo-1")
    given = await answers(user)
    with override_settings(MIDDLEWARE=as_django_has_them()):
        assert given == await answers(user)
    assert {answer[2] for answer in given} >= {200, 302, 403, 404}


async def test_a_request_that_waits_crosses_to_a_thread_only_where_django_itself_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For its signals and the end of its answer. With Django's own middlewares there are twenty crossings more."""
    crossings = []
    real = SyncToAsync.__call__

    async def noting(self: Any, *args: Any, **given: Any) -> Any:
        crossings.append(self.func)
        return await real(self, *args, **given)

    monkeypatch.setattr(SyncToAsync, "__call__", noting)
    client = AsyncClient()
    with override_settings(ROOT_URLCONF=__name__):
        assert (await client.get("/wait/")).content == b"waited"
        few = len(crossings)
        assert few <= 3, crossings
        with override_settings(MIDDLEWARE=as_django_has_them()):
            await AsyncClient().get("/wait/")
    assert len(crossings) - few > few + 15


async def test_a_message_too_long_for_a_cookie_waits_in_the_session() -> None:
    """It is written and read by a thread. Fails (`SynchronousOnlyOperation`) where the event loop would."""
    client = AsyncClient()
    await client.aforce_login(await in_thread(User.objects.create_user, "ana"))
    with override_settings(ROOT_URLCONF=__name__):
        assert (await client.get("/tell/")).content == b"told"
        assert (await client.get("/hear/")).content.decode() == LONG
        assert (await client.get("/hear/")).content == b""
