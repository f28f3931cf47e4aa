"""Calls the API as a program does: with JSON in and out, and signed in with a session."""

from __future__ import annotations

from typing import Any, Final, Protocol

import orjson
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from calendar_live.models import Calendar, WorkItem

WEEK: Final = {"start": "2026-11-23T00:00:00Z", "end": "2026-11-30T00:00:00Z"}


class Api:
    """A caller of the API with a session of their own. Without a user, they are signed out."""

    def __init__(self, user: User | None = None, *, checks_csrf: bool = False) -> None:
        self.client = Client(enforce_csrf_checks=checks_csrf)
        if user is not None:
            self.client.force_login(user)

    def feed(self, calendar: Calendar, query: dict[str, Any] | None = None, /, **headers: str) -> HttpResponse:
        """Ask for the week of the tests' items, or for what the query says."""
        return self.get(f"/api/calendars/{calendar.pk}/feed/", WEEK if query is None else query, **headers)

    def get(self, path: str, query: dict[str, Any] | None = None, /, **headers: str) -> HttpResponse:
        answer: HttpResponse = self.client.get(path, query or {}, headers=headers)  # type: ignore[assignment]
        return answer

    def send(self, method: str, path: str, body: object = None, /, **headers: str) -> HttpResponse:
        """Send a body as JSON, or as it is when it is bytes."""
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        answer: HttpResponse = self.client.generic(  # type: ignore[assignment]
            method, path, data, content_type="application/json", headers=headers
        )
        return answer


def item_path(calendar: Calendar, item: object) -> str:
    """Return the path of a work item, by its row or its id."""
    return f"/api/calendars/{calendar.pk}/items/{item.pk if isinstance(item, WorkItem) else item}/"


class Answer(Protocol):
    """An answer of either of Django's test clients."""

    @property
    def content(self) -> bytes: ...


def body_of(answer: Answer) -> Any:
    """Return the answer's JSON."""
    return orjson.loads(answer.content)
