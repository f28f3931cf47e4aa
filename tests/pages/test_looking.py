"""Tests the item dialog for users who may not change the item: what it shows, and what it hides from them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calendar_live.models import Calendar, Role
from calendar_live.services.calendars import set_role
from tests.pages.dialog import client_of, edit_url
from tests.people import make_item

# Each write is a revision of its own, as on a real site.
pytestmark = pytest.mark.django_db(transaction=True)


def test_those_who_may_look_read_who_works_on_it(cara: User, ana: User, ben: User, team: Calendar) -> None:
    seen = make_item(team, ana, assignee_keys=[str(ben.pk)])
    busy = make_item(team, ana, assignee_keys=[str(ben.pk)], visibility="private")
    client = client_of(cara)
    assert "<dt>People</dt><dd>Ben</dd>" in client.get(edit_url(seen, team)).text
    assert "Ben" not in client.get(edit_url(busy, team)).text


def test_a_viewer_reads_and_is_offered_nothing_else(cara: User, ana: User, team: Calendar) -> None:
    project = make_item(team, ana, title="Relaunch")
    item = make_item(team, ana, title="Review", description="two\nlines", parent_id=project.pk, time_zone="UTC")
    client = client_of(cara)
    text = client.get(edit_url(item, team)).text
    for shown in ("Review", "two<br>lines", "Relaunch", "Mon 23 Nov 2026, 09:00 – 10:00 (UTC)"):
        assert shown in text
    for offered in ("<form", "<input", "hx-post", "hx-delete"):
        assert offered not in text
    response = client.post(edit_url(item, team), {"title": "Mine", "state": item.state})
    assert response.status_code == 403
    item.refresh_from_db()
    assert item.title == "Review"


def test_a_viewer_follows_the_link_of_an_item_into_a_tab_of_its_own(cara: User, ana: User, team: Calendar) -> None:
    item = make_item(team, ana, url="https://example.org/?a=1&b=2", tags=["Q4", "<R&D>"])
    text = client_of(cara).get(edit_url(item, team)).text
    assert '<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer"' in text
    assert "<dt>Tags</dt><dd>Q4, &lt;R&amp;D&gt;</dd>" in text


LEAKS = ("Hush", "whispered", "Cellar", "blocked", "Blocked", "#123456", "77 %", "Hidden tag", "hush.example")

CONFIDENTIAL: dict[str, Any] = {
    "title": "Hush",
    "description": "whispered",
    "location": "Cellar",
    "status": "blocked",
    "color": "#123456",
    "progress": 77,
    "tags": ["Hidden tag"],
    "url": "https://hush.example/",
    "time_zone": "UTC",
}


@pytest.mark.parametrize(("role", "visibility"), [
    (Role.VIEWER, "private"), (Role.FREEBUSY, "private"), (Role.FREEBUSY, "normal"),
])  # fmt: skip
def test_of_a_taken_time_nothing_but_the_time_is_told(
    cara: User, ana: User, team: Calendar, role: Role, visibility: str
) -> None:
    set_role(team, member=cara, role=role)
    item = make_item(team, ana, visibility=visibility, **CONFIDENTIAL)
    client = client_of(cara)
    response = client.get(edit_url(item, team))
    assert response.status_code == 200
    assert "Busy" in response.text
    assert "Mon 23 Nov 2026, 09:00 – 10:00 (UTC)" in response.text
    # A POST tells no more: a refusal must not show the item.
    refused = client.post(edit_url(item, team), {"title": "x", "state": item.state})
    assert refused.status_code == 403
    told = response.text.replace(str(item.pk), "").replace(str(team.pk), "")
    assert not [leak for leak in LEAKS if leak in told]
    # The refused form lists every status, so only the item's own words count there.
    assert not [leak for leak in LEAKS[:3] if leak in refused.text]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FREEBUSY])
def test_a_secret_item_is_as_absent_as_none(cara: User, ana: User, team: Calendar, role: Role) -> None:
    set_role(team, member=cara, role=role)
    item = make_item(team, ana, visibility="secret", **CONFIDENTIAL)
    client = client_of(cara)
    secret, absent = client.get(edit_url(item, team)), client.get(edit_url(uuid4(), team))
    assert (secret.status_code, secret.text) == (404, absent.text)
    data = {"title": "x", "state": item.state}
    assert client.post(edit_url(item, team), data).status_code == 404


@pytest.mark.parametrize("visibility", ["private", "secret"])
def test_a_hidden_parent_is_not_named(cara: User, ana: User, team: Calendar, visibility: str) -> None:
    parent = make_item(team, ana, title="Hush", visibility=visibility)
    item = make_item(team, ana, title="Open", parent_id=parent.pk)
    assert "Hush" not in client_of(cara).get(edit_url(item, team)).text


def test_a_stranger_finds_nothing(dan: User, ana: User, team: Calendar) -> None:
    item = make_item(team, ana, title="Hush")
    client = client_of(dan)
    for response in (client.get(edit_url(item, team)), client.post(edit_url(item, team), {"title": "x"})):
        assert response.status_code == 404
        assert "Hush" not in response.text


def test_an_item_is_not_found_in_another_calendar(ben: User, ana: User, team: Calendar) -> None:
    item = make_item(team, ana)
    assert client_of(ben).get(edit_url(item, team).replace(str(team.pk), str(uuid4()))).status_code == 404


def test_the_address_of_an_item_leads_to_the_page_that_opens_it(ben: User, team: Calendar) -> None:
    item = make_item(team, ben)
    client = Client()
    client.force_login(ben)
    assert client.get(edit_url(item, team)).headers["Location"] == f"/#{team.pk}/{item.pk}"
