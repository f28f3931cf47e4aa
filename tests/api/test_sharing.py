"""Tests sharing over HTTP: what each call answers, what it refuses and how, and which mail it sends."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendar_live.models import Calendar, Invitation, Membership, Role
from calendar_live.services import sharing
from calendar_live.services.calendars import delete_calendar, edit_calendar, set_role
from tests.api.calls import Api, body_of
from tests.people import invite, make_calendar, make_item, make_user

pytestmark = pytest.mark.django_db(transaction=True)

EVE: Final = "eve@example.org"


def members_path(calendar: Calendar, user: User | None = None) -> str:
    return f"/api/calendars/{calendar.pk}/members/" + ("" if user is None else f"{user.pk}/")


def invitations_path(calendar: Calendar, rest: str = "") -> str:
    return f"/api/calendars/{calendar.pk}/invitations/{rest}"


def link() -> str:
    """Return the path of the link in the last mail."""
    found = re.search(r"http://testserver(/invitations/[\w-]+/)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


# --- members ---------------------------------------------------------------------------------------------------------


def test_members_are_listed_by_name_and_their_addresses_to_owners_alone(
    team: Calendar, ana: User, ben: User, cara: User, dan: User
) -> None:
    """Seen failing when every member is told `email`."""
    User.objects.filter(pk=ben.pk).update(email="ben@example.org", first_name="Zoe")
    set_role(team, member=dan, role=Role.FREEBUSY)
    told = body_of(Api(ana).get(members_path(team)))
    assert told[0] == {
        "user": {"id": str(ana.pk), "name": "Ana", "username": "ana", "email": ""},
        "role": "owner",
        "you": True,
        "offer": None,
    }
    assert [(one["user"]["name"], one["role"], one["you"]) for one in told[1:]] == [
        ("Cara", "viewer", False),
        ("Dan", "freebusy", False),
        ("Zoe", "editor", False),
    ]
    for reader in (ben, cara):
        answer = Api(reader).get(members_path(team))
        assert answer.status_code == 200
        assert b"email" not in answer.content
        assert b"example.org" not in answer.content
    assert Api(dan).get(members_path(team)).status_code == 403


def test_a_user_is_made_a_member_at_once(team: Calendar, ana: User, dan: User) -> None:
    answer = Api(ana).send("POST", members_path(team), {"to": "dan", "role": "viewer"})
    assert answer.status_code == 201
    assert body_of(answer) == {
        "member": {
            "user": {"id": str(dan.pk), "name": "Dan", "username": "dan", "email": ""},
            "role": "viewer",
            "you": False,
            "offer": None,
        },
        "invitation": None,
    }
    again = Api(ana).send("POST", members_path(team), {"to": "dan", "role": "editor"})
    assert (again.status_code, body_of(again)["code"]) == (409, "already_member")
    assert "viewer" in body_of(again)["detail"]
    assert Membership.objects.get(user=dan).role == "viewer"
    assert mail.outbox == []


def test_a_name_with_a_nul_is_nobodys(team: Calendar, ana: User) -> None:
    """Seen failing when the database is queried for it: 500 on PostgreSQL."""
    answer = Api(ana).send("POST", members_path(team), {"to": "a\0b", "role": "viewer"})
    assert (answer.status_code, list(body_of(answer)["fields"])) == (422, ["to"])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"to", "role"}),
        ({"to": "nobody", "role": "viewer"}, {"to"}),
        ({"to": "dan", "role": "king"}, {"role"}),
        ({"to": 7, "role": "viewer"}, {"to"}),
        ({"to": "dan", "role": "viewer", "extra": 1}, {"extra"}),
        ({"to": EVE, "role": "owner"}, {"role"}),
    ],
    ids=lambda part: str(sorted(part)) if isinstance(part, set) else str(part),
)
def test_what_is_wrong_with_a_share_is_said_by_field(
    body: dict[str, Any], fields: set[str], team: Calendar, ana: User, dan: User
) -> None:
    answer = Api(ana).send("POST", members_path(team), body)
    assert (answer.status_code, body_of(answer)["code"]) == (422, "invalid")
    assert body_of(answer)["fields"].keys() == fields


def test_what_is_no_json_is_malformed(team: Calendar, ana: User) -> None:
    assert Api(ana).send("POST", members_path(team), b"{").status_code == 400


def test_a_role_is_changed_and_taken(team: Calendar, ana: User, ben: User) -> None:
    changed = Api(ana).send("PATCH", members_path(team, ben), {"role": "freebusy"})
    assert (changed.status_code, body_of(changed)["role"]) == (200, "freebusy")
    taken = Api(ana).send("DELETE", members_path(team, ben))
    assert (taken.status_code, body_of(taken)) == (200, {"user": str(ben.pk)})
    assert Api(ana).send("DELETE", members_path(team, ben)).status_code == 404
    last = Api(ana).send("PATCH", members_path(team, ana), {"role": "editor"})
    assert (last.status_code, body_of(last)["fields"].keys()) == (422, {"role"})
    assert Api(ana).send("DELETE", members_path(team, ana)).status_code == 422


def test_any_member_leaves_but_the_last_owner(team: Calendar, ana: User, cara: User) -> None:
    path = f"/api/calendars/{team.pk}/leave/"
    left = Api(cara).send("POST", path)
    assert (left.status_code, body_of(left)) == (200, {"id": str(team.pk)})
    assert Api(cara).send("POST", path).status_code == 404
    assert Api(ana).send("POST", path).status_code == 422


def test_a_calendar_is_handed_over(team: Calendar, ana: User, cara: User) -> None:
    path = f"/api/calendars/{team.pk}/transfer/"
    offered = Api(ana).send("POST", path, {"to": str(cara.pk)})
    assert offered.status_code == 200
    by = {"by": {"id": str(ana.pk), "name": "Ana"}, "handsOver": True}
    assert [(one["role"], one["offer"]) for one in body_of(offered)] == [
        ("owner", None),
        ("editor", None),
        ("viewer", by),
    ]
    assert body_of(Api(cara).get(f"/api/calendars/{team.pk}/"))["offer"] == by
    accepted = Api(cara).send("POST", f"/api/calendars/{team.pk}/ownership/", {"accept": True})
    assert (accepted.status_code, body_of(accepted)) == (200, {"id": str(team.pk), "role": "owner"})
    listed = Api(ana).get(members_path(team))
    assert {one["user"]["username"]: one["role"] for one in body_of(listed)} == {
        "ana": "editor",
        "ben": "editor",
        "cara": "owner",
    }
    assert b"email" not in listed.content  # Ana is no longer an owner
    assert Api(cara).send("POST", path, {"to": "garbage"}).status_code == 422


def test_an_offer_is_told_to_the_owners_and_to_whom_it_is_made(
    team: Calendar, ana: User, ben: User, cara: User
) -> None:
    """Seen failing when every member is told `offer`."""
    answer = Api(ana).send("PATCH", members_path(team, cara), {"role": "owner"})
    offer = {"by": {"id": str(ana.pk), "name": "Ana"}, "handsOver": False}
    assert (answer.status_code, body_of(answer)["role"], body_of(answer)["offer"]) == (200, "viewer", offer)
    for who, told in ((ana, offer), (cara, offer), (ben, None)):
        listed = body_of(Api(who).get(members_path(team)))
        assert [one["offer"] for one in listed if one["user"]["id"] == str(cara.pk)] == [told]
        mine = body_of(Api(who).get(f"/api/calendars/{team.pk}/"))
        assert mine["offer"] == (offer if who == cara else None)
    withdrawn = Api(ana).send("PATCH", members_path(team, cara), {"role": "viewer"})
    assert body_of(withdrawn)["offer"] is None
    late = Api(cara).send("POST", f"/api/calendars/{team.pk}/ownership/", {"accept": True})
    assert (late.status_code, body_of(late)["code"]) == (404, "not_found")


# --- invitations -----------------------------------------------------------------------------------------------------


def _invited(team: Calendar, ana: User, to: str) -> tuple[Any, ...]:
    """Invite an address. Return every effect of it, without what differs between any two invitations."""
    with CaptureQueriesContext(connection) as queries:
        answer = Api(ana).send("POST", members_path(team), {"to": to, "role": "editor"})
    listed = body_of(Api(ana).get(invitations_path(team)))
    invitation = body_of(answer)["invitation"]
    assert listed[-1] == invitation
    sent = mail.outbox[-1]
    told = json.dumps([body_of(answer), body_of(Api(ana).get(members_path(team))), sent.subject, sent.body, sent.to])
    ends = re.search(r"until (.{16}) \(UTC\)", str(sent.body))
    assert ends
    for own in (to, link().split("/")[2], ends[1], *(invitation[name] for name in ("id", "createdAt", "expiresAt"))):
        told = told.replace(own, "")
    return answer.status_code, dict(answer.headers) | {"Expires": ""}, len(queries), told


def test_an_address_is_answered_and_mailed_alike_whoever_is_behind_it(team: Calendar, ana: User, dan: User) -> None:
    """Down to the number of statements.

    Seen failing when the address of an account made its user a member, and told their name and id.
    """
    User.objects.filter(pk=dan.pk).update(email="dan@example.org")
    assert _invited(team, ana, "dan@example.org") == _invited(team, ana, "eve@example.org")
    assert not Membership.objects.filter(user=dan).exists()


def test_an_address_is_mailed_a_link_that_no_answer_tells(team: Calendar, ana: User) -> None:
    answer = Api(ana).send("POST", members_path(team), {"to": "Eve@Example.org", "role": "editor"})
    assert answer.status_code == 201
    told = body_of(answer)["invitation"]
    assert body_of(answer)["member"] is None
    assert (told["email"], told["role"], told["invitedBy"], told["mailed"]) == (EVE, "editor", "Ana", True)
    assert told["createdAt"] < told["expiresAt"]
    [sent] = mail.outbox
    assert sent.to == [EVE]
    assert "Ana" in sent.subject
    assert "Team" in sent.subject
    token = link().split("/")[2]
    assert token not in answer.text
    listed = Api(ana).get(invitations_path(team))
    assert body_of(listed) == [told]
    assert token not in listed.text


def test_an_invitation_is_sent_again_and_withdrawn(team: Calendar, ana: User) -> None:
    Api(ana).send("POST", members_path(team), {"to": EVE, "role": "editor"})
    first, key = link(), Invitation.objects.get().pk
    refused = Api(ana).send("POST", invitations_path(team, f"{key}/send/"))
    assert (refused.status_code, body_of(refused)["code"], refused["Retry-After"]) == (429, "too_many", "60")
    Invitation.objects.update(mailed_at=None)
    again = Api(ana).send("POST", invitations_path(team, f"{key}/send/"))
    assert (again.status_code, body_of(again)["mailed"]) == (200, True)
    assert Client().get(first).status_code == 404
    assert Client().get(link()).status_code == 200
    withdrawn = Api(ana).send("DELETE", invitations_path(team, f"{key}/"))
    assert (withdrawn.status_code, body_of(withdrawn)) == (200, {"id": str(key)})
    assert Client().get(link()).status_code == 404
    assert body_of(Api(ana).get(invitations_path(team))) == []
    for method, rest in (("DELETE", f"{key}/"), ("POST", f"{key}/send/"), ("DELETE", f"{uuid4()}/")):
        assert Api(ana).send(method, invitations_path(team, rest)).status_code == 404


def test_an_invitation_of_another_calendar_is_not_found(team: Calendar, ana: User, dan: User) -> None:
    key = invite(team, ana).invitation.pk
    other = make_calendar(dan)
    assert Api(dan).send("DELETE", invitations_path(other, f"{key}/")).status_code == 404
    assert Api(dan).send("POST", invitations_path(other, f"{key}/send/")).status_code == 404


def test_an_invitation_whose_mail_fails_is_there_and_says_so(
    team: Calendar, ana: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing when errors of the mail backend are not caught, and when the mail is sent inside the transaction."""
    holds_the_calendar: list[bool] = []

    def refuse(self: object, messages: object) -> int:
        holds_the_calendar.append(connection.in_atomic_block)
        raise ConnectionRefusedError("no mail today")

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
        answer = Api(ana).send("POST", members_path(team), {"to": EVE, "role": "editor"})
    assert (answer.status_code, body_of(answer)["invitation"]["mailed"]) == (201, False)
    assert holds_the_calendar == [False], "nobody waits for a mail server"
    assert body_of(Api(ana).get(invitations_path(team)))[0]["mailed"] is False
    assert "was not sent" in caplog.text
    again = Api(ana).send("POST", invitations_path(team, f"{Invitation.objects.get().pk}/send/"))
    assert body_of(again)["mailed"] is True
    assert Client().get(link()).status_code == 200


def test_no_name_begins_another_header(team: Calendar, ana: User) -> None:
    """Seen failing when the subject is not put on one line: Django refuses such a mail, so it is never sent."""
    edit_calendar(team.pk, actor=ana, changes={"name": "Team\r\nBcc: all@example.org\n\nBuy"})
    User.objects.filter(pk=ana.pk).update(first_name="Ana\nTo: x@example.org")
    Api(ana).send("POST", members_path(team), {"to": EVE, "role": "editor"})
    [sent] = mail.outbox
    assert sent.recipients() == [EVE]
    assert sent.message().get_all("Bcc") is None
    assert sent.message().get_all("To") == [EVE]


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Return the text that a handler without filters writes."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def test_no_token_is_logged(team: Calendar, ana: User, dan: User, log: StringIO) -> None:
    """Seen failing when the filter passes over invitations: Django logs the path of each request that it refuses."""
    token = invite(team, ana).token
    client = Client(enforce_csrf_checks=True)
    client.force_login(dan)
    assert client.post(f"/invitations/{token}/").status_code == 403
    assert client.get(f"/invitations/{token}x/").status_code == 404
    assert Client().put(f"/invitations/{token}/").status_code == 405
    assert "/invitations/…" in log.getvalue()
    assert token not in log.getvalue()


# --- order and trash -------------------------------------------------------------------------------------------------


def test_calendars_are_put_in_an_order_of_ones_own(ana: User) -> None:
    made = [make_calendar(ana, name=name) for name in ("One", "Two", "Three")]
    answer = Api(ana).send("PUT", "/api/calendars/order/", {"ids": [str(made[2].pk), str(made[0].pk)]})
    assert answer.status_code == 200
    assert [(one["name"], one["position"]) for one in body_of(answer)] == [("Three", 0), ("One", 1), ("Two", 2)]
    assert body_of(Api(ana).get("/api/calendars/")) == body_of(answer)
    for ids in ([str(uuid4())], ["garbage"], [str(made[0].pk)] * 2):
        refused = Api(ana).send("PUT", "/api/calendars/order/", {"ids": ids})
        assert (refused.status_code, body_of(refused)["fields"].keys()) == (422, {"ids"})


def test_a_deleted_calendar_is_in_its_owners_trash_and_comes_back(
    team: Calendar, ana: User, ben: User, dan: User
) -> None:
    item = make_item(team, ana)
    delete_calendar(team.pk, actor=ana)
    assert body_of(Api(ben).get("/api/calendars/trash/")) == []
    [told] = body_of(Api(ana).get("/api/calendars/trash/"))
    assert (told["id"], told["name"], told["color"]) == (str(team.pk), "Team", "#2563eb")
    assert told["deletedAt"] < told["until"]
    path = f"/api/calendars/{team.pk}/restore/"
    for other in (ben, dan):
        assert Api(other).send("POST", path).status_code == 404
    answer = Api(ana).send("POST", path)
    assert (answer.status_code, body_of(answer)["id"]) == (200, str(team.pk))
    assert Api(ben).get(f"/api/calendars/{team.pk}/items/{item.pk}/").status_code == 200
    assert Api(ana).send("POST", path).status_code == 404
    assert body_of(Api(ana).get("/api/calendars/trash/")) == []


def test_a_calendar_shared_by_mail_is_in_the_list_of_whoever_accepted(team: Calendar, ana: User, dan: User) -> None:
    sharing.accept(invite(team, ana).token, user=dan)
    [told] = body_of(Api(dan).get("/api/calendars/"))
    assert (told["id"], told["role"]) == (str(team.pk), "editor")


def test_who_is_in_a_calendar_takes_the_same_statements_for_any_number(
    team: Calendar, ana: User, django_assert_num_queries: Any
) -> None:
    api = Api(ana)
    for count in (0, 3):
        for number in range(count):
            set_role(team, member=make_user(f"more{number}"), role=Role.VIEWER)
        with django_assert_num_queries(4):  # session, user, standing, members
            api.get(members_path(team))
