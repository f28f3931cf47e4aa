"""Tests the mail about a fault that Django sends to ADMINS.

It says where the fault happened. It contains nothing that opens a calendar, and nothing that is in one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.utils.log import AdminEmailHandler

from calendar_live.access.credentials import link_token
from calendar_live.models import Calendar
from calendar_live.pages import accounts, invitations, public
from calendar_live.serving.reports import Report
from tests.people import invite, make_link

pytestmark = pytest.mark.django_db

_ADDRESS = "ops@example.org"


@pytest.fixture(autouse=True)
def _mails(settings: Any) -> Iterator[None]:
    """Add a handler that mails faults with an HTML report, beside the handler that Django itself has set up."""
    settings.ADMINS = [_ADDRESS] if django.VERSION >= (6, 0) else [("Ops", _ADDRESS)]
    handler = AdminEmailHandler(include_html=True)
    handler.setLevel(logging.ERROR)
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


def _fail(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError("out of order")


def _quote(request: HttpRequest, *args: Any, **kwargs: Any) -> None:
    raise RuntimeError(f"out of order: {request.get_full_path()} & {request.build_absolute_uri()!r}")


@pytest.mark.parametrize("place", ["public", "invitation", "sign-in"])
def test_the_mail_of_a_fault_holds_no_token_and_nothing_that_was_sent(
    place: str, team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Seen failing with Django's own reporter, and with the request, the variables or the settings left in."""
    settings.EVENTS_REDIS_URL = "redis://:hush@127.0.0.1:6379/0"
    link, invited = link_token(make_link(team, ana).pk).token, invite(team, ana).token
    monkeypatch.setattr(public, "describe_link", _fail)
    monkeypatch.setattr(invitations, "display_name", _fail)
    monkeypatch.setattr(accounts.SignIn, "form_valid", _fail)
    monkeypatch.setattr(accounts.SignIn, "form_invalid", _fail)
    client = Client(raise_request_exception=False)
    referer = {"Referer": f"http://testserver/invitations/{invited}/"}
    if place == "public":
        answer = client.get(f"/public/{link}/?link={link}&q=Merger", headers=referer)
    elif place == "invitation":
        answer = client.get(f"/invitations/{invited}/", headers=referer)
    else:
        form = {"username": "ana", "password": "a long enough phrase"}
        answer = client.post(f"/login/?next=%2Finvitations%2F{invited}%2F", form, headers=referer)
    assert answer.status_code == 500
    assert len(mail.outbox) == 2
    for sent in mail.outbox:
        html = [str(part) for part, _ in getattr(sent, "alternatives", [])]
        for told in (f"{sent.subject}\n{sent.body}", *html):
            assert "RuntimeError" in told
            assert "tests/serving/test_reports.py" in told
            secrets = (link, invited, "Merger", "a long enough phrase", "hush")
            assert [one for one in secrets if one in told] == []
        assert bool(html) == (sent is mail.outbox[0])
        assert "Internal Server Error: /" in sent.subject


def test_an_exception_that_quotes_an_address_mails_no_token(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It mails no search text, either. Seen failing when the report is mailed as it is."""
    link = link_token(make_link(team, ana).pk).token
    monkeypatch.setattr(public, "_page", _quote)
    client = Client(raise_request_exception=False)
    assert client.get(f"/%70ublic/{link}/?view=week&%6cink={link}&q=Merger%20of%22twins").status_code == 500
    assert len(mail.outbox) == 2
    for sent in mail.outbox:
        html = [str(part) for part, _ in getattr(sent, "alternatives", [])]
        for told in (f"{sent.subject}\n{sent.body}", *html):
            assert "RuntimeError" in told
            assert "view=week" in told, "the address is told"
            assert [one for one in (link, "Merger", "twins") if one in told] == []


def test_the_page_of_a_fault_on_ones_own_machine_says_all(rf: RequestFactory) -> None:
    shown = Report(rf.get("/public/abc/"), RuntimeError, RuntimeError("out of order"), None)
    assert "/public/abc/" in shown.get_traceback_html()
