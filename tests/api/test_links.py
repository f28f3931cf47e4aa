"""Tests public links over HTTP: what owners do with them, and which calls a caller with a link may make."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from ninja.operation import Operation

from calendar_live.access.credentials import link_token
from calendar_live.api.app import api
from calendar_live.models import Calendar, PublicLink
from calendar_live.services.items import delete_item
from calendar_live.services.sharing import withdraw_link
from tests.api.calls import WEEK, Api, body_of, item_path
from tests.people import make_calendar, make_item, make_link

LEAK = "LEAK"


class ByLink(Api):
    """A caller who presents a link's token. `beside`: a user who is signed in with the same browser, if any."""

    def __init__(self, link: PublicLink | str, *, beside: User | None = None) -> None:
        super().__init__(beside, checks_csrf=True)
        token = link if isinstance(link, str) else link_token(link.pk).token
        self.headers = {"Authorization": f"Link {token}"}

    def get(self, path: str, query: dict[str, Any] | None = None, /, **headers: str) -> HttpResponse:
        return super().get(path, query, **self.headers | headers)

    def send(self, method: str, path: str, body: object = None, /, **headers: str) -> HttpResponse:
        return super().send(method, path, body, **self.headers | headers)


def test_an_owner_makes_reads_changes_and_withdraws_a_link(team: Calendar, ana: User, client: Client) -> None:
    caller, path = Api(ana), f"/api/calendars/{team.pk}/links/"
    body = {
        "name": "Website",
        "shows": "full",
        "expiresAt": "2099-01-01T00:00:00Z",
        "frameOrigins": ["https://www.example.org"],
    }
    made = caller.send("POST", path, body)
    assert made.status_code == 201
    told = body_of(made)
    token = link_token(UUID(told["id"])).token
    assert told == body | {
        "id": told["id"],
        "url": f"http://testserver/public/{token}/",
        "embedUrl": f"http://testserver/public/{token}/embed/",
        "createdAt": told["createdAt"],
    }
    assert body_of(caller.get(path)) == [told]
    assert client.get(told["url"]).status_code == 200
    changed = caller.send("PATCH", f"{path}{told['id']}/", {"shows": "freebusy", "expiresAt": None})
    assert body_of(changed) == told | {"shows": "freebusy", "expiresAt": None}
    assert body_of(caller.send("DELETE", f"{path}{told['id']}/")) == {"id": told["id"]}
    assert body_of(caller.get(path)) == []
    assert client.get(told["url"]).status_code == 404


def test_links_are_their_owners_alone(team: Calendar, ana: User, ben: User, cara: User, dan: User) -> None:
    link = make_link(team, ana)
    for user, status in ((ben, 403), (cara, 403), (dan, 404), (None, 401)):
        answers = [
            Api(user).get(f"/api/calendars/{team.pk}/links/"),
            Api(user).send("POST", f"/api/calendars/{team.pk}/links/", {"name": "Mine", "shows": "full"}),
            Api(user).send("PATCH", f"/api/calendars/{team.pk}/links/{link.pk}/", {"name": "Mine"}),
            Api(user).send("DELETE", f"/api/calendars/{team.pk}/links/{link.pk}/"),
        ]
        assert [answer.status_code for answer in answers] == [status] * 4
        assert all(link_token(link.pk).token not in answer.content.decode() for answer in answers)


@pytest.mark.parametrize(("field", "value"), [("expiresAt", "soon"), ("frameOrigins", ["*"]), ("token", "mine")])
def test_what_makes_no_sense_is_refused_by_its_field(team: Calendar, ana: User, field: str, value: object) -> None:
    body = {"name": "Website", "shows": "full", field: value}
    answer = Api(ana).send("POST", f"/api/calendars/{team.pk}/links/", body)
    assert (answer.status_code, list(body_of(answer)["fields"])) == (422, [field])


# --- by a link -------------------------------------------------------------------------------------------------------


def reads(calendar: Calendar, item: object) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the path and query of each call that a link may make, by the name of its operation."""
    own = f"/api/calendars/{calendar.pk}/"
    return {
        "list_calendars": ("/api/calendars/", {}),
        "get_calendar": (own, {}),
        "get_feed": (f"{own}feed/", WEEK),
        "get_all_feeds": ("/api/feed/", WEEK),
        "get_changes": (f"{own}changes/", {"since": str(Calendar.objects.get(pk=calendar.pk).state)}),
        "get_item": (item_path(calendar, item), {}),
    }


def operations() -> dict[str, Operation]:
    """Return every operation of the API by its name."""
    return {
        operation.view_func.__name__: operation
        for _, router in api._routers
        for view in router.path_operations.values()
        for operation in view.operations
    }


def test_one_by_a_link_may_call_what_shows_its_calendar_and_nothing_else(team: Calendar, ana: User) -> None:
    """Every call of the API is tried. Seen failing when `People` accepts a link's token that comes with a session."""
    link, other = make_link(team, ana), make_calendar(ana)
    item = make_item(team, ana)
    caller = ByLink(link, beside=ana)
    shown = reads(team, item)
    for name, (path, query) in shown.items():
        assert caller.get(path, query).status_code == 200, name
    keys = {"calendar_id": team.pk, "item_id": item.pk, "link_id": link.pk, "user_id": ana.pk, "invitation_id": uuid4()}
    tried = set()
    for name, operation in operations().items():
        if name in shown or name == "exchange_frames":  # tests/live/test_links.py tests exchange_frames
            continue
        tried.add(name)
        path = next(
            f"/api{path}"
            for _, router in api._routers
            for path, view in router.path_operations.items()
            if operation in view.operations
        )
        path = re.sub(r"\{\w+:(\w+)\}", lambda found: str(keys[found[1]]), path)
        for method in operation.methods:
            answer = caller.send(method, path, {})
            assert (answer.status_code, body_of(answer)["code"]) == (403, "forbidden"), name
    assert {"create_calendar", "edit_calendar", "put_item", "delete_item", "list_trash", "list_links"} <= tried
    for path in (f"/api/calendars/{other.pk}/", item_path(other, item)):
        assert caller.get(path).status_code == 404
    assert caller.feed(other).status_code == 404


def test_a_link_shows_its_one_calendar_and_nobody(team: Calendar, ana: User) -> None:
    """Seen failing when a link's calendar is described with its people."""
    make_calendar(ana, name="Other")
    link = make_link(team, ana)
    described = {
        "id": str(team.pk),
        "name": "Team",
        "color": "#2563eb",
        "timeZone": "Asia/Manila",
        "position": 0,
        "role": "link",
        "rights": "public",
        "access": "public.1",
        "state": str(Calendar.objects.get(pk=team.pk).state),
        "people": [],
        "sharing": None,
        "offer": None,
    }
    assert body_of(ByLink(link, beside=ana).get("/api/calendars/")) == [described]
    assert body_of(ByLink(link).get(f"/api/calendars/{team.pk}/")) == described


@pytest.mark.parametrize(("shows", "visible"), [("full", 1), ("freebusy", 0)])
def test_nothing_beyond_a_links_rights_is_in_any_byte(
    team: Calendar, ana: User, ben: User, shows: str, visible: int
) -> None:
    """Invariant 7, for every body and header, also of changes and deletions. There are names and texts that could leak.

    Seen failing when `redact` treats `public` like `shared`, and when `_folded` redacts for `full`.
    """
    User.objects.filter(pk__in=[ana.pk, ben.pk]).update(first_name=f"{LEAK}person")
    start = Calendar.objects.get(pk=team.pk).state
    texts: dict[str, Any] = {"description": LEAK, "location": LEAK, "assignee_keys": [str(ben.pk)]}
    normal = make_item(team, ana, title=f"open {LEAK}", **texts)
    private = make_item(team, ana, title=LEAK, visibility="private", **texts)
    secret = make_item(team, ana, title=LEAK, visibility="secret", **texts)
    child = make_item(team, ana, title="child", parent_id=secret.pk)
    link = make_link(team, ana, shows=shows, name=f"{LEAK}link")
    caller = ByLink(link, beside=ana)
    calls = [
        caller.get("/api/calendars/"),
        caller.feed(team),
        caller.get("/api/feed/", WEEK),
        caller.get(f"/api/calendars/{team.pk}/changes/", {"since": str(start)}),
        *(caller.get(item_path(team, item)) for item in (normal, private, secret, child)),
        caller.feed(team, WEEK | {"work_type": "task"}),
    ]
    assert [answer.status_code for answer in calls] == [200] * 6 + [404, 200, 200]
    for answer in calls:
        said = answer.content.decode() + str(answer.headers)
        assert f"{LEAK}person" not in said
        assert f"{LEAK}link" not in said
        assert str(secret.pk) not in said
        seen = [item for item in _items(body_of(answer)) if item["id"] == str(normal.pk)]
        assert said.count(LEAK) == 3 * visible * len(seen), "the normal item alone, and by a full link"
        for item in seen:
            assert [
                item.get(name, gone) for name, gone in (("assignees", []), ("createdBy", None), ("parent", None))
            ] == [
                [],
                None,
                None,
            ]
    delete_item(team.pk, actor=ana, item_id=secret.pk)
    after = caller.get(f"/api/calendars/{team.pk}/changes/", {"since": str(start)})
    assert str(secret.pk) not in after.content.decode()


def _items(body: Any) -> list[dict[str, Any]]:
    """Return the items in an answer of any call."""
    if isinstance(body, list):
        return body
    return body.get("upserted", [body] if "id" in body else []) if isinstance(body, dict) else []


@pytest.mark.parametrize("token", ["", "nothing", "a.b"])
def test_a_token_of_nothing_is_signed_out_whoever_is_signed_in_beside_it(team: Calendar, ana: User, token: str) -> None:
    """The answer is that to a link that has ended. Seen failing when the session counts if the token is invalid."""
    ended = make_link(team, ana)
    withdraw_link(team.pk, actor=ana, link_id=ended.pk)
    item = make_item(team, ana)
    bodies = set()
    for caller in (ByLink(token, beside=ana), ByLink(ended, beside=ana)):
        for path, query in reads(team, item).values():
            answer = caller.get(path, query)
            assert answer.status_code == 401, path
            bodies.add(answer.content)
        assert caller.send("POST", "/api/frames/", {"frames": []}).status_code == 401
    assert len(bodies) == 1
