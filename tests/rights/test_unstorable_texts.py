"""Tests that every call refuses NUL and lone surrogates, wherever a text may stand, and that nothing is done.

PostgreSQL rejects a NUL with an error, SQLite stops reading a pattern at it, and neither can be sent a lone surrogate.
The calls come from the rights matrix and their texts from the API's description, so a new one is tested at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from django.test import Client

from calendar_live.api.app import api
from tests.api.calls import body_of
from tests.recording import all_rows
from tests.rights.matrix import MATRIX, SENT, cells
from tests.rights.scene import RECEIVERS, Scene, the_scene

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS: Final = ("\x00", "a\x00b", "a\x00@example.org", "\ud800", "a\ud800@example.org")
# Places at which any text is accepted, because no database is asked for it: the server ignores `_` and an unknown time
# zone in a query, and compares `known` with what it sends.
ACCEPTED: Final = frozenset({"query _", "query timeZone", "body known"})
DESCRIBED: Final = api.get_openapi_schema(path_prefix="/api/")
CALLS: Final = {
    f"{method.upper()} {path.lstrip('/').replace('{', '<').replace('}', '>')}": call
    for path, calls in DESCRIBED["paths"].items()
    for method, call in calls.items()
}


def spoilt(schema: dict[str, Any], text: str) -> Iterator[Any]:
    """Return values of a JSON schema in which one text is `text`, which stands at another place in each of them."""
    if "$ref" in schema:
        fields = DESCRIBED["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
        for name, of in fields.items():
            if f"body {name}" not in ACCEPTED:
                yield from ({name: value} for value in spoilt(of, text))
    for choice in schema.get("anyOf", ()):
        yield from spoilt(choice, text)
    match schema.get("type"):
        case "string":
            yield text
        case "array":
            yield from ([value] for value in spoilt(schema["items"], text))
        case "object":
            yield {text: {}}
            of = schema.get("additionalProperties")
            yield from ({str(UUID(int=7)): value} for value in spoilt(of if isinstance(of, dict) else {}, text))


def requests(scene: Scene, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return what to say of each request of a call with one spoilt text, its path with the query, and what is sent."""
    call, (_, _, route) = CALLS[name], name.partition(" ")
    sent = SENT[name](scene) if name in SENT else {}
    body, query, headers = sent.get("body"), str(sent.get("query", "?")), sent.get("headers", {})
    whole = {"body": body, "headers": headers}
    for text in TEXTS:
        written = text.encode(errors="surrogatepass")
        for parameter in call.get("parameters", ()):
            where = f"{parameter['in']} {parameter['name']}"
            if parameter["in"] == "path":
                yield (
                    f"{where}={text!r}",
                    scene.path(route.replace(f"<{parameter['name']}>", quote(written))) + query,
                    whole,
                )
            elif parameter["in"] == "query" and where not in ACCEPTED:
                own = urlencode({parameter["name"]: written})
                yield f"{where}={text!r}", f"{scene.path(route)}{query}&{own}", whole
        schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        for part in spoilt(schema, text):
            yield f"body {part!r}", scene.path(route) + query, whole | {"body": (body or {}) | part}
        if "<item_id>" in route and not name.startswith("GET ") and text.isascii():
            yield f"If-Match {text!r}", scene.path(route), whole | {"headers": {"If-Match": f'"{text}"'}}


def caller_of(name: str) -> str:
    """Return the first receiver of the matrix who may make a call."""
    return next(who for who, cell in zip(RECEIVERS, cells(MATRIX[name]), strict=True) if cell.startswith("2"))


@pytest.mark.parametrize("name", CALLS)
def test_a_call_refuses_a_text_that_no_database_holds(name: str) -> None:
    """Seen failing for `tag`: a NUL is answered with 500 on PostgreSQL and with wrong items on SQLite."""
    scene, who = the_scene(), caller_of(name)
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = scene.sessions[who]
    before = all_rows()
    for where, path, sent in requests(scene, name):
        body = b"" if sent["body"] is None else json.dumps(sent["body"]).encode()
        answer = client.generic(
            name.partition(" ")[0], path, body, content_type="application/json", headers=sent["headers"]
        )
        assert 400 <= answer.status_code < 500, (where, answer.status_code, answer.content)
        told = body_of(answer)
        assert told["code"] != "invalid" or told["fields"], where
    assert all_rows() == before


FIELDS: Final = (
    "title",
    "tags",
    "url",
    "description",
    "location",
    "color",
    "time_zone",
    "assignees",
    "parent",
    "state",
)
# The fields of the forms in which people type or which name rows, and the receiver who sends each form.
FORMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "POST login/": ("nobody", ("username", "password")),
    "POST invitations/<token>/": ("nobody", ("name", "username", "password")),
    "POST items/new/": ("owner", (*FIELDS, "calendar", "item_id", "mutation_id")),
    "POST calendars/<calendar_id>/items/<item_id>/edit/": ("owner", FIELDS),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_with_such_a_text_is_shown_again(name: str) -> None:
    """Django answers 200 to a form with errors, as the pages for visitors do."""
    scene, (who, fields) = the_scene(), FORMS[name]
    before = all_rows()
    for field in fields:
        form = SENT[name](scene)["form"] | {field: "a\x00b"}
        answer = scene.request(who, "POST", scene.path(name.removeprefix("POST ")), form=form)
        assert answer.status_code == (200 if who == "nobody" else 422), (field, answer.content)
        assert all_rows() == before, field


@pytest.mark.parametrize(
    "path",
    [
        *("invitations/{}/", "public/{}/", "public/{}/embed/", "items/new/?calendar={}", "items/new/?start={}"),
        *("items/new/?timeZone={}", "items/parents/?calendar={}", "login/?next={}", "calendars/{}/items/{}/edit/"),
    ],
)
@pytest.mark.parametrize("text", ["%00", "a%00b", "%ED%A0%80"])
def test_an_address_of_a_page_with_such_a_text_opens_nothing(path: str, text: str) -> None:
    """The dialog of a new item opens nevertheless, with its own values instead."""
    answer = the_scene().request("owner", "GET", f"/{path.replace('{}', text)}")
    expected = {"login": 302, "items/new/?calendar={}": 200, "items/new/?timeZone={}": 200, "items/new/?start={}": 422}
    assert answer.status_code == expected.get(path.partition("/?next")[0], 404), answer.content
