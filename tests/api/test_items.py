"""Tests work items over HTTP: each good call, each refusal with its code, and retries, which get the same bytes."""

from __future__ import annotations

import json
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import pytest
from django.contrib.auth.models import User
from django.test import Client

from calendar_live.models import Calendar, Role, WorkItem
from calendar_live.services.calendars import set_role
from tests.api.calls import Api, body_of, item_path
from tests.people import make_calendar, make_item, make_user
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)

NEW: Final = {"title": "New", "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}


def head(calendar: Calendar) -> str:
    return str(Calendar.objects.get(pk=calendar.pk).state)


# --- the good path ---------------------------------------------------------------------------------------------------


def test_an_editor_creates_reads_changes_replaces_and_deletes(team: Calendar, ben: User) -> None:
    api, key = Api(ben), uuid4()
    path = item_path(team, key)
    made = api.send("PUT", path, NEW)
    assert (made.status_code, body_of(made)["title"]) == (201, "New")
    assert made["ETag"] == f'"{head(team)}"'
    assert made["Calendar-State"] == head(team)
    assert api.get(path).content == made.content
    changed = api.send("PATCH", path, {"status": "blocked"}, **{"If-Match": made["ETag"]})
    assert (changed.status_code, body_of(changed)["status"]) == (200, "blocked")
    replaced = api.send("PUT", path, NEW | {"title": "Newer"}, **{"If-Match": changed["ETag"]})
    assert (replaced.status_code, body_of(replaced)["status"]) == (200, "not_started")
    gone = api.send("DELETE", path, **{"If-Match": replaced["ETag"]})
    answer = {"id": str(key), "calendar": str(team.pk), "state": head(team)}
    assert (gone.status_code, body_of(gone)) == (200, answer)
    assert orjson.loads(gone["HX-Trigger"]) == {"workItemDeleted": answer}
    assert gone["Calendar-State"] == head(team)
    assert api.get(path).status_code == 404


@pytest.mark.parametrize(("children", "left"), [("delete", 0), ("reparent", 1), (None, 0)])
def test_a_parent_is_deleted_with_or_without_its_children(
    children: str | None, left: int, team: Calendar, ana: User
) -> None:
    parent = make_item(team, ana)
    make_item(team, ana, parent_id=parent.pk)
    query = "" if children is None else f"?children={children}"
    assert Api(ana).send("DELETE", item_path(team, parent) + query).status_code == 200
    assert WorkItem.objects.filter(deleted_at=None).count() == left


@pytest.mark.parametrize(
    "span",
    [
        {"start": "2026-11-23", "end": "2026-11-24", "allDay": True},
        {"start": "2026-11-23T17:00:00+08:00", "end": "2026-11-23T18:00:00+08:00", "allDay": False},
    ],
)
def test_a_drag_sets_the_span(span: dict[str, Any], team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    answer = Api(ana).send("PATCH", item_path(team, item), span)
    assert answer.status_code == 200
    assert len(body_of(answer)["start"]) == (10 if span["allDay"] else 20)
    assert body_of(answer)["start"] == ("2026-11-23" if span["allDay"] else "2026-11-23T09:00:00Z")


def test_a_viewer_reads_a_private_item_as_busy_and_a_secret_one_not_at_all(
    team: Calendar, ana: User, cara: User
) -> None:
    """Invariant 7. Fails when an item is read without redaction."""
    private = make_item(team, ana, title="LEAK", visibility="private")
    secret = make_item(team, ana, title="LEAK", visibility="secret")
    answer = Api(cara).get(item_path(team, private))
    assert body_of(answer)["busy"] is True
    assert b"LEAK" not in answer.content
    refused, unknown = Api(cara).get(item_path(team, secret)), Api(cara).get(item_path(team, uuid4()))
    assert (refused.status_code, refused.content) == (404, unknown.content)


# --- refusals --------------------------------------------------------------------------------------------------------

NAIVE: Final = "Has no time zone: end it with Z or an offset as +08:00 (written %2B in a URL)."
WRONG: Final[list[tuple[dict[str, Any], dict[str, str]]]] = [
    ({"title": ""}, {"title": "This field is required."}),
    ({"title": 7}, {"title": "Input should be a valid string."}),
    ({"title": "x" * 201}, {"title": "Must be at most 200 characters long."}),
    ({"title": "a\x00"}, {"title": "Contains characters that cannot be saved."}),
    ({"start": "yesterday"}, {"start": "Not an ISO 8601 date-time, as 2026-11-22T09:00:00Z."}),
    ({"start": "2026-11-23T09:00:00", "end": "2026-11-23T10:00:00"}, {"start": NAIVE, "end": NAIVE}),
    ({"end": "2026-11-23T08:59:59Z"}, {"end": "Must not be before the start."}),
    ({"allDay": True, "start": "2026-11-23T09:00:00Z", "end": "2026-11-24"},
     {"start": "Not an ISO 8601 date, as 2026-11-22."}),
    ({"allDay": "true"}, {"allDay": "Input should be a valid boolean."}),
    ({"timeZone": "Mars/Olympus"}, {"timeZone": "Must be a time zone, such as Asia/Manila."}),
    ({"color": "red"}, {"color": "Must be a colour, such as #2563eb."}),
    ({"workType": "holiday"}, {"workType": "Must be one of: project, activity, task, meeting."}),
    ({"progress": 101}, {"progress": "Must be a whole number from 0 to 100."}),
    ({"progress": 10**30}, {"progress": "Must be a whole number from 0 to 100."}),
    ({"progress": "50"}, {"progress": "Input should be a valid integer."}),
    ({"parent": "above"}, {"parent": "Must be the id of a work item."}),
    ({"parent": str(UUID(int=5))}, {"parent": "There is no such work item in this calendar."}),
    ({"assignees": ["0"]}, {"assignees": "Not a member of this calendar: 0."}),
    ({"work_type": "task"}, {"work_type": "There is no such field."}),
    ({"id": "x", "state": "y"}, {"id": "There is no such field.", "state": "There is no such field."}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "fields"), WRONG, ids=[str(body)[:60] for body, _ in WRONG])
def test_a_wrong_body_is_told_the_field_as_the_wire_calls_it(
    body: dict[str, Any], fields: dict[str, str], team: Calendar, ana: User
) -> None:
    item = make_item(team, ana)
    before = all_rows()
    raw = json.dumps(NEW | body).encode()
    for method, target in (("PUT", uuid4()), ("PATCH", item)):
        answer = Api(ana).send(method, item_path(team, target), raw)
        assert answer.status_code == 422, answer.content
        told = body_of(answer)
        assert told["code"] == "invalid"
        assert told["fields"] == {name: [message] for name, message in fields.items()}
    assert all_rows() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff", b'{"title": "\\ud800"}', b'{"a":' * 5_000]
)
def test_a_body_that_is_no_object_is_refused_and_the_server_lives_on(body: bytes, team: Calendar, ana: User) -> None:
    api, item = Api(ana), make_item(team, ana)
    before = all_rows()
    for method, target in (("PUT", uuid4()), ("PATCH", item)):
        answer = api.send(method, item_path(team, target), body)
        assert answer.status_code in (400, 422)
        assert body_of(answer)["code"] in ("malformed", "invalid")
    assert all_rows() == before


@pytest.mark.parametrize("site_takes", [1_000_000, 2_500_000], ids=["the site's limit", "the API's limit"])
def test_a_body_too_large_is_refused_as_such(team: Calendar, ana: User, settings: Any, site_takes: int) -> None:
    """Seen failing when MAX_BODY_BYTES is not checked and the site accepts larger bodies."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = site_takes
    answer = Api(ana).send("PUT", item_path(team, uuid4()), NEW | {"description": "x" * 1_100_000})
    assert (answer.status_code, body_of(answer)["code"]) == (413, "too_large")


def test_a_stale_edit_gets_what_is_there_now(team: Calendar, ana: User, ben: User) -> None:
    item = make_item(team, ana)
    path, stale = item_path(team, item), f'"{item.state}"'
    current = Api(ben).send("PATCH", path, {"title": "First"})
    before = all_rows()
    for method, body in (("PATCH", {"title": "Late"}), ("PUT", NEW), ("DELETE", None)):
        answer = Api(ana).send(method, path, body, **{"If-Match": stale})
        assert (answer.status_code, body_of(answer)["code"]) == (412, "stale")
        assert body_of(answer)["current"] == body_of(current)
    assert all_rows() == before
    Api(ben).send("DELETE", path)
    answer = Api(ana).send("PATCH", path, {"title": "Late"}, **{"If-Match": stale})
    assert (answer.status_code, body_of(answer)["current"]) == (412, None)


@pytest.mark.parametrize("value", ["x", '"', '""', '"a" "b"', '"a", "b"', "W/", '"a'])
def test_a_malformed_precondition_is_never_taken_for_none(value: str, team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    before = all_rows()
    answer = Api(ana).send("DELETE", item_path(team, item), **{"If-Match": value})
    assert (answer.status_code, body_of(answer)["code"]) == (400, "malformed")
    assert all_rows() == before


def test_a_create_that_must_be_new_is_refused_when_it_is_not(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    answer = Api(ana).send("PUT", item_path(team, item), NEW, **{"If-None-Match": "*"})
    assert (answer.status_code, body_of(answer)["code"]) == (409, "already_exists")


def test_an_unknown_id_is_not_found(team: Calendar, ana: User) -> None:
    api = Api(ana)
    elsewhere = make_item(make_calendar(ana, name="Other"), ana)
    for target in (uuid4(), elsewhere):
        path = item_path(team, target)
        for answer in (api.get(path), api.send("PATCH", path, {"title": "x"}), api.send("DELETE", path)):
            assert (answer.status_code, body_of(answer)["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", ["?children=orphan", "?children=", "?child=delete"])
def test_an_unknown_way_to_delete_is_refused(query: str, team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    before = all_rows()
    assert Api(ana).send("DELETE", item_path(team, item) + query).status_code == 422
    assert all_rows() == before


def test_one_who_may_not_edit_is_refused(team: Calendar, ana: User, cara: User, dan: User) -> None:
    free, item = make_user("free"), make_item(team, ana)
    set_role(team, member=free, role=Role.FREEBUSY)
    before = all_rows()
    for user, status, code in ((cara, 403, "forbidden"), (free, 403, "forbidden"), (dan, 404, "not_found")):
        for method, target, body in (("PUT", uuid4(), NEW), ("PATCH", item, {"title": "x"}), ("DELETE", item, None)):
            answer = Api(user).send(method, item_path(team, target), body)
            assert (answer.status_code, body_of(answer)["code"]) == (status, code)
    assert Api().send("DELETE", item_path(team, item)).status_code == 401
    assert all_rows() == before


def test_another_site_cannot_write_with_a_visitors_session(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    before = all_rows()
    api = Api(ana, checks_csrf=True)
    refused = api.send("DELETE", item_path(team, item))
    assert (refused.status_code, body_of(refused)["code"]) == (403, "forbidden")
    assert all_rows() == before
    api.client.cookies["csrftoken"] = "a" * 32
    allowed = api.send("DELETE", item_path(team, item), **{"X-CSRFToken": "a" * 32})
    assert allowed.status_code == 200


def test_what_goes_wrong_unforeseen_is_not_shown(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.DEBUG = False

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("LEAK")

    monkeypatch.setattr("calendar_live.services.items.delete_item", fail)
    client = Client(raise_request_exception=False)
    client.force_login(ana)
    answer = client.delete(item_path(team, make_item(team, ana)))
    assert answer.status_code == 500
    assert b"LEAK" not in answer.content


# --- retries ---------------------------------------------------------------------------------------------------------

KEY: Final = "77777777-7777-4777-8777-777777777777"


def retry_cases(item: WorkItem) -> dict[str, tuple[str, object, Any, dict[str, str]]]:
    new = uuid4()
    return {
        "create": ("PUT", new, NEW, {"If-None-Match": "*"}),
        "create without a precondition": ("PUT", new, NEW, {}),
        "replace": ("PUT", item, NEW, {"If-Match": f'"{item.state}"'}),
        "change": ("PATCH", item, {"title": "x"}, {"If-Match": f'"{item.state}"'}),
        "delete": ("DELETE", item, None, {"If-Match": f'"{item.state}"'}),
    }


@pytest.mark.parametrize("case", ["create", "create without a precondition", "replace", "change", "delete"])
def test_a_retry_gets_the_first_answer_byte_for_byte(case: str, team: Calendar, ana: User, ben: User) -> None:
    """Invariant 8. Fails when a retried PUT counts as a replacement of the item that the first one created."""
    method, target, body, headers = retry_cases(make_item(team, ana))[case]
    path, key = item_path(team, target), {"Idempotency-Key": KEY}
    first = Api(ben).send(method, path, body, **headers, **key)
    assert first.status_code in (200, 201)
    if method != "DELETE":
        Api(ana).send("PATCH", path, {"title": "Since"})
    before = all_rows()
    again = Api(ben).send(method, path, body, **headers, **key)
    said = ("ETag", "Calendar-State", "HX-Trigger")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert [again.get(name) for name in said] == [first.get(name) for name in said]
    assert all_rows() == before
    other = Api(ben).send("PATCH", path, {"title": "Other"}, **key)
    assert (other.status_code, body_of(other)["code"]) == (422, "key_reused")


@pytest.mark.parametrize("key", ["", "x", "7777"])
def test_a_malformed_key_is_refused(key: str, team: Calendar, ana: User) -> None:
    before = all_rows()
    answer = Api(ana).send("PUT", item_path(team, uuid4()), NEW, **{"Idempotency-Key": key})
    assert (answer.status_code, body_of(answer)["code"]) == (400, "malformed")
    assert all_rows() == before


def test_many_items_are_edited_and_deleted_each_from_the_state_that_was_seen(team: Calendar, ana: User) -> None:
    items = [make_item(team, ana), make_item(team, ana)]
    path = f"/api/calendars/{team.pk}/items/"
    changes = {str(one.pk): {"title": f"New {number}"} for number, one in enumerate(items)}
    seen = {str(one.pk): one.state for one in items}
    answer = Api(ana).send("POST", path + "edit/", {"changes": changes, "states": seen})
    assert answer.status_code == 200
    assert answer["Calendar-State"] == body_of(answer)["state"]
    assert [WorkItem.objects.get(pk=one.pk).title for one in items] == ["New 0", "New 1"]
    before = all_rows()
    for verb, body in (("edit", {"changes": changes}), ("delete", {"ids": list(seen)})):
        answer = Api(ana).send("POST", f"{path}{verb}/", body | {"states": seen})
        assert (answer.status_code, body_of(answer)["code"]) == (412, "stale")
        assert body_of(answer)["current"]["id"] in seen
    assert all_rows() == before
    answer = Api(ana).send("POST", path + "delete/", {"ids": list(seen), "states": dict.fromkeys(seen, head_of(team))})
    assert answer.status_code == 200


def head_of(calendar: Calendar) -> str:
    return str(Calendar.objects.get(pk=calendar.pk).state)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"changes": {"x": {}}}, "changes"),
        ({"changes": {"{id}": {"progress": "50"}}}, "changes.{id}.progress"),
        ({"changes": {"{id}": {"start": "2026-11-23T09:00:00"}}}, "changes.{id}.start"),
        ({"changes": {"{id}": {"progress": 101}}}, "changes.{id}.progress"),
        ({"changes": {"{id}": {"parent": "{id}"}}}, "changes.{id}.parent"),
        ({"changes": {"{id}": {}, "{ID}": {}}}, "changes"),
        ({"changes": {"{id}": {}}, "states": {"x": "1.0"}}, "states"),
        ({"changes": {"{id}": {}}, "more": 1}, "more"),
    ],
    ids=str,
)
def test_a_wrong_bulk_edit_is_told_the_item_and_its_field(
    body: dict[str, Any], field: str, team: Calendar, ana: User
) -> None:
    item = make_item(team, ana)
    before = all_rows()
    text = json.dumps(body).replace("{id}", str(item.pk)).replace("{ID}", str(item.pk).upper())
    answer = Api(ana).send("POST", f"/api/calendars/{team.pk}/items/edit/", text.encode())
    assert answer.status_code == 422
    assert list(body_of(answer)["fields"]) == [field.replace("{id}", str(item.pk))]
    assert all_rows() == before
