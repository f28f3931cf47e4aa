"""Tests the page of an invitation: who sees what, how it is accepted, and that links that open nothing look alike."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calendar_live.errors import Invalid
from calendar_live.models import Calendar, Membership, Role
from calendar_live.services import sharing
from calendar_live.services.calendars import edit_calendar
from tests.people import invite

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = {"name": "Eve Example", "username": "eve", "password": "a long enough phrase"}


def path(mailing: sharing.Mailing) -> str:
    return f"/invitations/{mailing.token}/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_someone_signed_in_joins_by_a_button(team: Calendar, ana: User, dan: User) -> None:
    url, client = path(invite(team, ana)), signed_in(dan)
    shown = client.get(url)
    assert shown.status_code == 200
    assert "Join Team as editor" in shown.text
    assert "signed in as Dan" in shown.text
    assert 'name="password"' not in shown.text
    assert not Membership.objects.filter(user=dan).exists()  # opening the page does not accept: mail scanners open it
    joined = client.post(url)
    assert (joined.status_code, joined.headers["Location"]) == (302, "/")
    assert Membership.objects.get(user=dan).role == "editor"
    assert client.post(url).status_code == 404


def test_someone_signed_out_makes_an_account_and_is_signed_in(team: Calendar, ana: User) -> None:
    url, client = path(invite(team, ana)), Client()
    shown = client.get(url)
    assert "eve@example.org" in shown.text
    assert f"?next=%2Finvitations%2F{url.split('/')[2]}%2F" in shown.text
    joined = client.post(url, ACCOUNT)
    assert (joined.status_code, joined.headers["Location"]) == (302, "/")
    page = client.get("/")
    assert page.status_code == 200
    assert str(team.pk) in page.text
    assert "Eve Example" in page.text


def test_an_account_that_will_not_do_is_said_beside_the_field_and_the_password_is_not_shown(
    team: Calendar, ana: User
) -> None:
    url, client = path(invite(team, ana)), Client()
    for given, complaint in (
        ({"username": "ana"}, "already exists"),
        ({"password": "tiny-pw"}, "too short"),
        ({"name": ""}, "required"),
        ({"username": ""}, "required"),
    ):
        refused = client.post(url, ACCOUNT | given)
        assert refused.status_code == 200
        assert complaint in refused.text
        first_wrong = re.search(r'<input[^>]*aria-invalid="true"[^>]*>', refused.text)
        assert first_wrong
        assert "autofocus" in first_wrong[0]
        assert refused.text.count("autofocus") == 1
        assert ACCOUNT["password"] not in refused.text
        assert "tiny-pw" not in refused.text
    assert not User.objects.filter(username="eve").exists()
    User.objects.filter(pk=ana.pk).update(email="EVE@example.org")
    assert "Sign in with it" in client.post(url, ACCOUNT).text


def test_who_is_a_member_already_keeps_the_higher_role(team: Calendar, ana: User, ben: User) -> None:
    url = path(invite(team, ana, role=Role.VIEWER))
    assert signed_in(ben).post(url).status_code == 302
    assert Membership.objects.get(user=ben).role == "editor"


def test_a_member_is_offered_only_a_role_that_is_higher(team: Calendar, ana: User, ben: User, cara: User) -> None:
    """A member who opens a colleague's invitation must not use it up. Seen failing with the button for all users."""
    url = path(invite(team, ana))
    for user, is_offered in ((ana, False), (ben, False), (cara, True)):
        shown = signed_in(user).get(url).text
        assert ("Join Team as editor" in shown, "already in this calendar" in shown) == (is_offered, not is_offered)


def test_all_links_that_open_nothing_are_answered_alike(team: Calendar, ana: User, dan: User) -> None:
    """Seen failing when the answer to a withdrawn invitation differs from that to an unknown one."""
    texts = set()
    for name in ("used", "withdrawn", "unknown"):
        mailing = invite(team, ana, to=f"{name}@example.org")
        url = path(mailing)
        if name == "used":
            sharing.accept(mailing.token, user=dan)
        elif name == "withdrawn":
            sharing.withdraw(team.pk, actor=ana, invitation_id=mailing.invitation.pk)
        else:
            url = "/invitations/unknown/"
        for client in (Client(), signed_in(dan)):
            answer = client.get(url)
            assert answer.status_code == 404
            assert client.post(url, ACCOUNT).status_code == 404
            texts.add(answer.text)
    assert len(texts) == 1
    [text] = texts
    assert "Team" not in text
    assert "Ana" not in text


def test_the_page_is_never_kept_or_found_or_framed(team: Calendar, ana: User) -> None:
    answer = Client().get(path(invite(team, ana)))
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert '<meta name="robots" content="noindex">' in answer.text


def test_the_page_holds_nothing_that_the_policy_forbids(team: Calendar, ana: User, dan: User) -> None:
    edit_calendar(team.pk, actor=ana, changes={"name": '<script>alert(1)</script>" style="x" onclick="y'})
    url = path(invite(team, ana))
    for client in (Client(), signed_in(dan)):
        text = client.get(url).text
        assert re.findall(r"<script[^>]*>", text) == ['<script type="module" src="/static/calendar_live/dist/card.js">']
        assert not re.search(r"<[^>]*\s(on\w+|style)=", re.sub(r'="[^"]*"', "=", text))


def test_accepting_takes_the_csrf_token(team: Calendar, ana: User, dan: User) -> None:
    url, client = path(invite(team, ana)), Client(enforce_csrf_checks=True)
    client.force_login(dan)
    assert client.post(url).status_code == 403
    assert not Membership.objects.filter(user=dan).exists()


def test_no_log_of_django_tells_the_token(
    team: Calendar, ana: User, dan: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor on a host site whose handlers filter nothing. Seen failing when the log of CSRF failures is not filtered."""
    url, client = path(invite(team, ana)), Client(enforce_csrf_checks=True)
    client.force_login(dan)
    assert client.post(url).status_code == 403
    assert client.put(url).status_code == 403
    logged = [record.getMessage() for record in caplog.records]
    assert any("/invitations/…/" in one for one in logged), "it is logged"
    assert not [one for one in logged if url in one]


def test_an_invitation_withdrawn_while_it_is_accepted_tells_nothing_more(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen failing: the page of the invitation came again, as it was read before the call."""
    mailing = invite(team, ana)
    accept_as_new = sharing.accept_as_new

    def refuse_and_lose(*args: Any, **kwargs: Any) -> Any:
        try:
            return accept_as_new(*args, **kwargs)
        except Invalid:
            sharing.withdraw(team.pk, actor=ana, invitation_id=mailing.invitation.pk)
            raise

    monkeypatch.setattr(sharing, "accept_as_new", refuse_and_lose)
    refused = Client().post(path(mailing), ACCOUNT | {"username": "ana"})
    assert refused.status_code == 404
    assert "Team" not in refused.text
