"""Tests that requests below the API's address that are no calls of it are answered in JSON, never with a page."""

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


def test_an_unknown_address_is_said_in_json_to_who_has_no_csrf_token() -> None:
    """Seen failing when Django checks the CSRF token first: it answers 403 with a page."""
    answer = Client(enforce_csrf_checks=True).post("/api/nowhere/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_wrong_method_is_said_in_json(client: Client, ana: User) -> None:
    client.force_login(ana)
    answer = client.put("/api/calendars/", {}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (405, "wrong_method")
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    answer = client.head("/api/frames/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize("key", [r'"\000aaaaaaaaaa"', r'"\377\376aaaaaaaaaa"', "é" * 10, "x" * 5_000])
@pytest.mark.parametrize("path", ["/api/calendars/", "/api/frames/"])
def test_a_cookie_that_is_no_session_is_nobodys(client: Client, db: None, key: str, path: str) -> None:
    """Seen failing with Django's own sessions: 500 on PostgreSQL for a NUL."""
    method = client.post if path.endswith("frames/") else client.get
    answer = method(path, {"frames": []}, content_type="application/json", headers={"Cookie": f"sessionid={key}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")
