"""What is no call of the API is answered as the API answers, never as a page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_said_in_json(client: Client, ana: User, method: str) -> None:
    client.force_login(ana)
    answer = getattr(client, method)("/api/nowhere/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "no-store" in answer["Cache-Control"]


def test_a_wrong_method_is_said_in_json(client: Client, ana: User) -> None:
    client.force_login(ana)
    answer = client.put("/api/calendars/", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (405, "wrong_method")
    assert "GET" in answer["Allow"]
