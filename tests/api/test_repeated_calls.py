"""Tests that each call that changes something is done once under its `Idempotency-Key`, and repeated by current rights.

The calls come from the rights matrix, so a new call fails here until it honours the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.http import HttpResponse

from calendar_live.access.credentials import link_token
from calendar_live.models import Calendar, Invitation, Receipt, Role
from calendar_live.services.calendars import delete_calendar, remove_member, set_role
from calendar_live.services.sharing import withdraw_link
from tests.api.calls import Api, body_of
from tests.recording import all_rows, announcements, rows_of, told_receivers
from tests.rights.matrix import MATRIX, SENT, cells
from tests.rights.scene import INVITER, RECEIVERS, Scene, received, the_scene
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

KEY: Final = "77777777-0000-4000-8000-000000000001"
CREATE: Final = "POST api/calendars/"

# These change nothing, or are not calls of the API.
NOTHING_CHANGES: Final = {
    "POST api/frames/",
    "POST api/",
    "POST api/openapi.json",
    "POST api/docs",
    "POST api/<path>",
}
CALLS: Final = [one for one in MATRIX if " api/" in one and not one.startswith("GET ") and one not in NOTHING_CHANGES]


def caller_of(call: str) -> str:
    """Return the first receiver of the matrix who may make a call."""
    return next(who for who, cell in zip(RECEIVERS, cells(MATRIX[call]), strict=True) if cell.startswith("2"))


def ask(scene: Scene, call: str, *, key: str = KEY, who: str | None = None) -> HttpResponse:
    method, _, route = call.partition(" ")
    sent = SENT[call](scene) if call in SENT else {}
    headers = {**sent.pop("headers", {}), "Idempotency-Key": key}
    return scene.request(who or caller_of(call), method, scene.path(route), headers=headers, **sent)


def told(answer: HttpResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in answer.items() if name != "Expires"}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_is_repeated_is_done_once_and_gets_its_first_answer(call: str) -> None:
    """Invariant 8. Seen failing for every call except those for items, before the others took a key."""
    scene = the_scene()
    first = ask(scene, call)
    assert first.status_code in (200, 201), first.content
    after, mailed = all_rows(), len(mail.outbox)
    with announcements() as pushed, told_receivers() as heard:
        again = ask(scene, call)
    assert told(again) == told(first)
    assert all_rows() == after
    assert (pushed, heard, len(mail.outbox)) == ([], [], mailed)


@pytest.mark.parametrize("call", CALLS)
def test_a_key_of_one_call_is_no_key_of_another(call: str) -> None:
    """Nor does an item's call share keys with other calls. Seen failing when either kind ignores the other's keys."""
    scene = the_scene()
    who = caller_of(call)
    other = {"name": "Another"}
    for first_is_this in (True, False):
        scene = the_scene.anew()

        def another(at: Scene = scene) -> HttpResponse:
            return at.request(who, "POST", "/api/calendars/", body=other, headers={"Idempotency-Key": KEY})

        acts: list[Callable[[], HttpResponse]] = [partial(ask, scene, call), another]
        one, two = acts if first_is_this else reversed(acts)
        assert one().status_code in (200, 201)
        after = all_rows()
        refused = two()
        assert (refused.status_code, body_of(refused)["code"]) == (422, "key_reused")
        assert all_rows() == after


@pytest.mark.parametrize("call", CALLS)
def test_a_key_that_is_none_is_refused(call: str) -> None:
    scene = the_scene()
    before = all_rows()
    answer = ask(scene, call, key="first")
    assert (answer.status_code, body_of(answer)["code"]) == (400, "malformed")
    assert all_rows() == before


# The status of a repeated call when its caller has become a viewer, and when they are no longer a member. All other
# calls answer 403 and 404. A call that itself took rights from its caller is not refused for that.
RIGHTS_LOST: Final = {
    CREATE: (201, 201),  # the new calendar is still the caller's
    "PUT api/calendars/order/": (200, 200),
    "DELETE api/calendars/<calendar_id>/": (404, 404),
    "POST api/calendars/<calendar_id>/leave/": (200, 200),
    "POST api/calendars/<calendar_id>/transfer/": (200, 404),
    "POST api/calendars/<calendar_id>/ownership/": (200, 404),  # a member of any role may be offered ownership
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("now", ["viewer", "stranger"])
def test_a_call_is_repeated_by_the_rights_of_now(call: str, now: str) -> None:
    """Invariant 7. Seen failing when the services do not check the rights of a repetition."""
    scene = the_scene()
    assert ask(scene, call).status_code in (200, 201)
    caller = scene.users[caller_of(call)]
    for calendar in (scene.team, scene.other, scene.lost):
        set_role(calendar, member=scene.users["stranger"], role=Role.OWNER)
        is_deleted = Calendar.objects.exclude(deleted_at=None).filter(pk=calendar.pk).exists()
        if now == "viewer" or is_deleted:  # no member is removed from a calendar in the trash
            set_role(calendar, member=caller, role=Role.VIEWER)
        else:
            remove_member(calendar, member=caller)
    before = all_rows()
    again = ask(scene, call)
    assert again.status_code == RIGHTS_LOST.get(call, (403, 404))[now == "stranger"], again.content
    assert scene.leaked(now, received(again), but=(INVITER,) if call == CREATE else ()) == []
    assert all_rows() == before


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_is_repeated_at_the_same_moment_waits_for_the_first(call: str) -> None:
    """Invariant 8. Seen failing without a receipt, and on PostgreSQL when it is read first and written only later."""
    scene = the_scene()
    answers = at_once([partial(ask, scene, call)] * 3)
    bodies = [orjson.loads(one.content) for one in answers]
    for body in bodies:
        if isinstance(body, dict):
            body.pop("mailed", None)  # the others wait for the commit only, and the mail is sent after it
    assert [one.status_code for one in answers] == [answers[0].status_code] * 3
    assert answers[0].status_code in (200, 201)
    assert bodies == [bodies[0]] * 3
    after = all_rows()
    assert orjson.loads(ask(scene, call).content) is not None
    assert all_rows() == after
    assert len(mail.outbox) == call.endswith("/send/")


# --- what is made ----------------------------------------------------------------------------------------------------


def share_by_mail(api: Api, team: Calendar) -> HttpResponse:
    body = {"to": "eve@example.org", "role": "editor"}
    return api.send("POST", f"/api/calendars/{team.pk}/members/", body, **{"Idempotency-Key": KEY})


def make_link(api: Api, team: Calendar, **body: Any) -> HttpResponse:
    body = {"name": "Website", "shows": "full"} | body
    return api.send("POST", f"/api/calendars/{team.pk}/links/", body, **{"Idempotency-Key": KEY})


def test_an_invitation_is_mailed_once(team: Calendar, ana: User) -> None:
    """Seen failing before the call took a key: 429."""
    first = share_by_mail(Api(ana), team)
    again = share_by_mail(Api(ana), team)
    assert first.status_code == 201
    assert told(again) == told(first)
    assert len(mail.outbox) == Invitation.objects.count() == 1


def test_an_invitation_whose_mail_was_never_sent_is_answered_so(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ended between the commit and the mail, and only that process knew the token."""

    def end(*_: object) -> bool:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr("calendar_live.api.sharing.mail_invitation", end)
        with pytest.raises(SystemExit):
            share_by_mail(Api(ana), team)
    again = share_by_mail(Api(ana), team)
    assert (again.status_code, body_of(again)["invitation"]["mailed"]) == (201, False)
    assert mail.outbox == []


def test_a_receipt_keeps_no_token(team: Calendar, ana: User) -> None:
    """A copy of the database must open no invitation and no link. Seen failing when a receipt keeps the answer."""
    api = Api(ana)
    share_by_mail(api, team)
    found = re.search(r"/invitations/([^/\s]+)/", str(mail.outbox[0].body))
    assert found is not None
    link = body_of(
        api.send(
            "POST",
            f"/api/calendars/{team.pk}/links/",
            {"name": "Website", "shows": "full"},
            **{"Idempotency-Key": KEY.replace("1", "2")},
        )
    )
    token = link_token(UUID(link["id"])).token
    assert token in link["url"]
    kept = str(rows_of([Receipt._meta.db_table]))
    assert Receipt.objects.count() == 2
    assert not [one for one in (found[1], token, token.partition(".")[2], "eve@example.org") if one in kept]


def test_what_was_made_and_is_gone_since_is_not_answered(team: Calendar, ana: User) -> None:
    """Seen failing when the answer is the row as it was: its address no longer opens anything."""
    api = Api(ana)
    link = body_of(make_link(api, team))
    withdraw_link(team.pk, actor=ana, link_id=UUID(link["id"]))
    assert make_link(api, team).status_code == 404
    body, key = {"name": "Mine"}, {"Idempotency-Key": KEY.replace("1", "2")}
    made = body_of(api.send("POST", "/api/calendars/", body, **key))
    delete_calendar(UUID(made["id"]), actor=ana)
    assert api.send("POST", "/api/calendars/", body, **key).status_code == 404
    Calendar.objects.filter(pk=made["id"]).delete()  # as when the trash is emptied
    assert api.send("POST", "/api/calendars/", body, **key).status_code == 404


def test_a_call_that_was_refused_may_come_again_under_its_key(team: Calendar, ana: User) -> None:
    """Seen failing when the receipt has a transaction of its own."""
    api = Api(ana)
    assert make_link(api, team, name="").status_code == 422
    assert make_link(api, team).status_code == 201


def test_another_user_has_keys_of_their_own(team: Calendar, ana: User, ben: User) -> None:
    bodies = [Api(who).send("POST", "/api/calendars/", {"name": "x"}, **{"Idempotency-Key": KEY}) for who in (ana, ben)]
    assert [one.status_code for one in bodies] == [201, 201]
    assert len({body_of(one)["id"] for one in bodies}) == 2
