"""Tests the calendar page and the sign-in: who sees what, how many statements it takes, and the security policy."""

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from calendar_live.access.credentials import link_token
from calendar_live.models import Calendar
from calendar_live.pages.texts import texts
from tests.pages.dialog import client_of, edit_url, new_url
from tests.people import PASSWORD, make_calendar, make_item, make_link

PAGE = "/"


def page_data(text: str) -> dict[str, object]:
    found = re.search(r'<script id="page-data" type="application/json">(.*?)</script>', text)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def offers_to_create(page: str) -> bool:
    """Whether the buttons for a new item are visible. If not, they are hidden, not absent, because roles can change."""
    buttons = re.findall(r"<button[^>]* data-new( hidden)?", page)
    assert len(buttons) == 2
    return "" in buttons


def test_someone_signed_out_is_sent_to_the_sign_in_and_back(db: None) -> None:
    response = Client().get(PAGE, {"view": "week", "type": "task"})
    assert response.status_code == 302
    assert response.headers["Location"] == f"{reverse('calendar_live:login')}?next=/%3Fview%3Dweek%26type%3Dtask"


def test_a_member_finds_their_calendars(ana: User, team: Calendar) -> None:
    response = client_of(ana).get(PAGE)
    assert response.status_code == 200
    assert f'data-calendar="{team.pk}"' in response.text
    assert offers_to_create(response.text)
    assert "no-store" in response.headers["Cache-Control"]
    data = page_data(response.text)
    assert data["userId"] == str(ana.pk)
    assert data["apiUrl"] == "/api/"
    assert data["editUrl"] == "/calendars/{calendar}/items/{item}/edit/"


def test_a_viewer_is_offered_nothing_to_create(cara: User, team: Calendar) -> None:
    response = client_of(cara).get(PAGE)
    assert not offers_to_create(response.text)
    assert "view only" in response.text


def test_a_member_of_nothing_is_told_so(dan: User, team: Calendar) -> None:
    response = client_of(dan).get(PAGE)
    assert response.status_code == 200
    assert re.search(r'<div id="no-calendars" class="empty">', response.text)
    assert "share one with <strong>dan</strong>" in response.text, "what an owner has to type, not “Dan”"
    assert not offers_to_create(response.text)
    assert str(team.pk) not in response.text


@pytest.mark.parametrize("calendars", [1, 3])
def test_the_page_takes_the_same_statements_for_any_number_of_calendars(
    ana: User, calendars: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(calendars):
        make_calendar(ana, name=f"Calendar {number}")
    client = client_of(ana)
    with django_assert_num_queries(4):  # session, user, memberships, the people of their calendars
        client.get(PAGE)


def test_the_demo_is_only_told_on_a_trial(db: None, settings: Settings) -> None:
    settings.DEBUG = True
    assert "<code>ana</code>" in Client().get(reverse("calendar_live:login")).text
    settings.DEBUG = False
    assert "ana" not in Client().get(reverse("calendar_live:login")).text


def test_someone_signs_in_and_out(ana: User, team: Calendar, settings: Settings) -> None:
    settings.DEBUG = True  # the demo's password works on a trial site only
    client = Client()
    sign_in = reverse("calendar_live:login")
    refused = client.post(sign_in, {"username": "ana", "password": "wrong"})
    assert refused.status_code == 200
    assert 'role="alert"' in refused.text
    taken = client.post(sign_in, {"username": "ana", "password": PASSWORD, "next": "/?view=week"})
    assert taken.headers["Location"] == "/?view=week"
    assert client.get(reverse("calendar_live:logout")).status_code == 405
    assert client.post(reverse("calendar_live:logout")).status_code == 302
    assert client.get(PAGE).status_code == 302


def test_a_foreign_address_after_the_sign_in_is_not_followed(ana: User, team: Calendar, settings: Settings) -> None:
    settings.DEBUG = True
    answer = {"username": "ana", "password": PASSWORD, "next": "https://elsewhere.example/"}
    assert Client().post(reverse("calendar_live:login"), answer).headers["Location"] == PAGE


def test_no_page_holds_what_the_policy_forbids(ana: User, team: Calendar) -> None:
    item = make_item(team, ana, title="<script>alert(1)</script>", description='" style="x" onclick="y')
    client = client_of(ana)
    pages = [client.get(url).text for url in (PAGE, new_url(), edit_url(item, team))]
    pages.append(Client().get(reverse("calendar_live:login")).text)
    for text in pages:
        # Escaped text contains no bare quote or bracket, so removing quoted values leaves nothing but markup in tags.
        markup = re.sub(r'="[^"]*"', "=", text)
        for script in re.findall(r"<script[^>]*>", text):
            assert " src=" in script or 'type="application/json"' in script
        assert not re.search(r"<[^>]*\s(on\w+|style|hx-on[^=]*)=", markup)
        assert "<style" not in text
        loaded = re.sub(r' placeholder="[^"]*"', "", text)
        assert "http://" not in loaded
        assert "https://" not in loaded
    assert "&lt;script&gt;alert(1)" in pages[2]


def test_browsers_that_ask_are_sent_to_the_icon(client: Client) -> None:
    assert client.get("/favicon.ico").headers["Location"].endswith("calendar_live/favicon.svg")


def test_an_owners_page_holds_no_address_of_a_public_link(ana: User, team: Calendar) -> None:
    """A saved copy of the page must open no calendar. Seen failing with the names of links in the page."""
    link = make_link(team, ana, name="Website of the fair", frame_origins=["https://www.example.org"])
    page = client_of(ana).get(PAGE).text
    assert 'id="link-row"' in page
    for told in (link_token(link.pk).token, str(link.pk), link.name):
        assert told not in page


def test_every_text_that_the_scripts_name_is_given() -> None:
    source = (Path(__file__).parents[2] / "frontend" / "src" / "page" / "words" / "page-data.ts").read_text()
    union = source.partition("export type TextName =")[2].partition(";")[0]
    named = set(re.findall(r'^  \| "(\w+)"$', union, re.MULTILINE))
    assert "linkCopied" in named
    assert named - texts().keys() == set()
