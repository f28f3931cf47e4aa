"""The demo's password opens a trial, and nothing else."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

pytestmark = pytest.mark.django_db


def _signs_in(client: Client, password: str) -> bool:
    client.post("/login/", {"username": "ana", "password": password})
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("debug", [True, False])
def test_the_demo_password_signs_in_on_a_trial_only(client: Client, ana: User, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        assert _signs_in(client, "demo") is debug


def test_any_other_password_signs_in_everywhere(client: Client, ana: User) -> None:
    ana.set_password("a long walk in the rain")
    User.objects.filter(pk=ana.pk).update(password=ana.password)
    assert _signs_in(client, "a long walk in the rain")


def test_who_is_refused_is_told_in_the_words_of_the_page_and_begins_at_the_password(client: Client, ana: User) -> None:
    """Seen failing with Django's own message, and with the focus left in the name."""
    focused = re.compile(r'<input[^>]*name="(\w+)"[^>]*autofocus')
    assert focused.findall(client.get("/login/").text) == ["username"]
    refused = client.post("/login/", {"username": "ana", "password": "wrong"})
    assert "This user name and this password do not go together" in refused.text
    assert focused.findall(refused.text) == ["password"]
