"""Opens the item dialog and sends its form as htmx does, with the form's own fields."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, Protocol
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from calendar_live.models import Calendar, WorkItem
from calendar_live.services.items import update_item

HTMX = {"HX-Request": "true"}


class Answer(Protocol):
    """An answer of the test client. The type that django-stubs has for it cannot be imported."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Any: ...
    @property
    def text(self) -> str: ...
    @property
    def context(self) -> Any: ...  # the template's context


def client_of(user: User) -> Client:
    """Return a client in which a user is signed in, and which sends the header of htmx."""
    client = Client(headers=HTMX)
    client.force_login(user)
    return client


def new_url(**query: str) -> str:
    return reverse("calendar_live:item_new", query=query)


def edit_url(item: WorkItem | UUID, calendar: Calendar) -> str:
    item_id = item.pk if isinstance(item, WorkItem) else item
    return reverse("calendar_live:item_edit", kwargs={"calendar_id": calendar.pk, "item_id": item_id})


def read_form(response: Answer) -> dict[str, str]:
    """Return the values that a browser would send for the form in an answer if nobody touched it."""
    reader = _FormReader()
    reader.feed(response.text)
    return reader.values


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = ""
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name:
            ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if ticked:
                self.values[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.values):
            self.values[self._select] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = name
            self.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data.removeprefix("\n")


def submit(
    client: Client, url: str, changes: dict[str, Any] | None = None, *, form: dict[str, str] | None = None
) -> Answer:
    """Open a form, unless its values are given. Change some fields (None: untick) and send it."""
    values = dict(read_form(client.get(url)) if form is None else form)
    for name, value in (changes or {}).items():
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
    return client.post(url, values)


def errors_beside(response: Answer) -> dict[str, list[str]]:
    """Return the errors in an answer's form, by field."""
    if response.context is None:
        pytest.fail(f"no form in {response.text[:200]}")
    errors: dict[str, list[str]] = {name: list(texts) for name, texts in response.context["form"].errors.items()}
    return errors


def change(item: WorkItem, actor: User, **changes: object) -> WorkItem:
    """Change an item as another user, whatever its state, and return it as it is then."""
    update_item(item.calendar_id, actor=actor, item_id=item.pk, changes=changes, expected_state=None)
    item.refresh_from_db()
    return item
