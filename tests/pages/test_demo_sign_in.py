"""Tests that the demo's password works on a trial site and nowhere else, whichever way it is presented."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.models import User
from django.test import Client, override_settings

pytestmark = pytest.mark.django_db

REFUSAL = "The demo password works only on a trial site."
BOTH = pytest.mark.parametrize("page", ["/login/", "/admin/login/"])


@pytest.fixture(autouse=True)
def _staff(ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_staff=True)


def _signs_in(client: Client, page: str, password: str) -> bool:
    client.post(page, {"username": "ana", "password": password})
    return "_auth_user_id" in client.session


@BOTH
@pytest.mark.parametrize("debug", [True, False])
def test_the_demo_password_signs_in_on_a_trial_only(client: Client, page: str, debug: bool) -> None:
    """Seen failing with the refusal in the form of one page only: the admin let the demo's users in."""
    with override_settings(DEBUG=debug):
        assert _signs_in(client, page, "demo") is debug


@BOTH
def test_any_other_password_signs_in_everywhere(client: Client, ana: User, page: str) -> None:
    ana.set_password("a long walk in the rain")
    User.objects.filter(pk=ana.pk).update(password=ana.password)
    assert _signs_in(client, page, "a long walk in the rain")


@BOTH
@pytest.mark.parametrize("name", ["ana", "nobody"])
def test_who_tries_the_demo_password_is_told_why_it_opens_nothing(client: Client, page: str, name: str) -> None:
    """The answer does not tell whether somebody has that password.

    Seen failing when only users who have it are told, and without a form for the admin.
    """
    assert REFUSAL in client.post(page, {"username": name, "password": "demo"}).text
    assert REFUSAL not in client.post(page, {"username": name, "password": "wrong"}).text


@pytest.mark.parametrize("debug", [True, False])
def test_whatever_checks_a_password_refuses_the_demos(ana: User, debug: bool) -> None:
    """It may be a host's own form, or an API that takes passwords. Seen failing with the refusal in forms only."""
    with override_settings(DEBUG=debug):
        assert authenticate(username="ana", password="demo") == (ana if debug else None)
    assert authenticate(username="ana", password="wrong") is None


@pytest.mark.django_db(transaction=True)
async def test_it_is_refused_by_the_event_loop_too(ana: User) -> None:
    """Seen failing without `aauthenticate`."""
    assert await aauthenticate(username="ana", password="demo") is None


def test_who_is_refused_is_told_in_the_words_of_the_page_and_begins_at_the_password(client: Client) -> None:
    """Seen failing with Django's own message, and with the focus in the user name."""
    focused = re.compile(r'<input[^>]*name="(\w+)"[^>]*autofocus')
    assert focused.findall(client.get("/login/").text) == ["username"]
    refused = client.post("/login/", {"username": "ana", "password": "wrong"})
    assert "The user name or the password is wrong" in refused.text
    assert focused.findall(refused.text) == ["password"]
