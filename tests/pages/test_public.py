"""Tests the pages behind a public link: who may frame them, which headers they have, and what is logged about them."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calendar_live.access.credentials import link_token
from calendar_live.models import Calendar, PublicLink
from calendar_live.services.sharing import withdraw_link
from tests.people import make_item, make_link

ORIGINS = ["https://www.example.org", "http://localhost:8080"]


def page(client: Client, token: str, name: str = "public") -> HttpResponse:
    answer: HttpResponse = client.get(reverse(f"calendar_live:{name}", args=[token]))  # type: ignore[assignment]
    return answer


def ancestors(answer: HttpResponse) -> str:
    [found] = [one for one in answer["Content-Security-Policy"].split("; ") if one.startswith("frame-ancestors")]
    return found.removeprefix("frame-ancestors ")


def test_the_widget_is_framed_where_the_owner_says_and_the_page_nowhere(
    team: Calendar, ana: User, client: Client
) -> None:
    """Seen failing when the site's own policy is left in place, and when the widget is sent with X-Frame-Options."""
    token = link_token(make_link(team, ana, frame_origins=ORIGINS).pk).token
    widget, whole = page(client, token, "public_embed"), page(client, token)
    assert (ancestors(widget), widget.get("X-Frame-Options")) == (" ".join(ORIGINS), None)
    assert (ancestors(whole), whole["X-Frame-Options"]) == ("'none'", "DENY")


def test_the_widget_of_a_link_without_origins_is_framed_nowhere(team: Calendar, ana: User, client: Client) -> None:
    widget = page(client, link_token(make_link(team, ana).pk).token, "public_embed")
    assert (ancestors(widget), widget["X-Frame-Options"]) == ("'none'", "DENY")


@pytest.mark.parametrize("path", ["/login/", "/", "/api/docs", "/admin/login/", "/nowhere/", "/public/"])
def test_every_other_page_is_framed_nowhere(team: Calendar, ana: User, client: Client, path: str) -> None:
    make_link(team, ana, frame_origins=ORIGINS)
    client.force_login(ana)
    answer: HttpResponse = client.get(path)  # type: ignore[assignment]
    assert (ancestors(answer), answer["X-Frame-Options"]) == ("'none'", "DENY")


@pytest.mark.parametrize("name", ["public", "public_embed"])
def test_a_page_is_kept_nowhere_found_nowhere_and_sets_no_cookie(
    team: Calendar, ana: User, client: Client, name: str
) -> None:
    answer = page(client, link_token(make_link(team, ana).pk).token, name)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert not answer.cookies
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


def test_a_page_holds_no_item_and_nobody(team: Calendar, ana: User, client: Client) -> None:
    """The page requests its items with the link's rights. It does not name the signed-in user either."""
    make_item(team, ana, title="LEAK", description="LEAK")
    User.objects.filter(pk=ana.pk).update(first_name="LEAK")
    client.force_login(ana)
    text = page(client, link_token(make_link(team, ana, name="LEAK").pk).token).content.decode()
    assert "Team" in text
    assert "LEAK" not in text
    assert "csrf" not in text


@pytest.mark.parametrize("name", ["public", "public_embed"])
def test_unknown_expired_and_withdrawn_are_one_answer(team: Calendar, ana: User, client: Client, name: str) -> None:
    """Seen failing when one answer reveals that the link existed (410), or can be framed where the link could be."""
    expired, withdrawn = (make_link(team, ana, frame_origins=ORIGINS) for _ in range(2))
    PublicLink.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    withdraw_link(team.pk, actor=ana, link_id=withdrawn.pk)
    tokens = [*(link_token(key).token for key in (expired.pk, withdrawn.pk, uuid4())), "nothing", "a.b"]
    answers = [page(client, token, name) for token in tokens]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert all(ancestors(answer) == "'none'" and answer["X-Robots-Tag"] == "noindex" for answer in answers)
    headers = [{k: v for k, v in answer.items() if k not in {"Date", "Expires"}} for answer in answers]
    assert headers == headers[:1] * len(headers)


def test_neither_a_token_nor_a_title_stands_in_the_log(
    team: Calendar, ana: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """An expired link may get a new end, so its token stays secret. Seen failing without `logs.install`."""
    make_item(team, ana, title="LEAK")
    link = make_link(team, ana, name="LEAK")
    token = link_token(link.pk).token
    caplog.set_level(logging.DEBUG)
    bearer = {"Authorization": f"Link {token}"}
    page(client, token)
    client.get(f"/api/calendars/{team.pk}/feed/", headers=bearer)
    client.get(f"/api/calendars/{uuid4()}/feed/?link={token}", headers=bearer)
    PublicLink.objects.filter(pk=link.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert page(client, token).status_code == 404
    assert client.get("/api/calendars/", headers=bearer).status_code == 401
    assert client.get("/metrics", headers=bearer).content.decode().count(token) == 0
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("django")]
    assert any("Not Found: /public/…/" in one for one in logged), "it is logged"
    assert not [one for one in logged if token in one or "LEAK" in one]
