"""The API as one object: who may call it, and how every failure is said. The only translator of errors to HTTP."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from ..errors import CalendarLiveError, Forbidden, Invalid, Malformed, NotFound, SignedOut, TooLarge, Unavailable
from . import calendars, feeds, frames, items, links, sharing
from .auth import People
from .http import error_response, fresh, unknown_address

logger = logging.getLogger(__name__)

api = NinjaAPI(
    title="calendar_live",
    version="1",
    description="Calendars, their feeds and their work items. Errors are {code, detail, fields}; see docs/protocol.md.",
    auth=People(),
    urls_namespace="calendar_live_api",
)
api.add_router("", calendars.router)
api.add_router("", feeds.router)
api.add_router("", frames.router)
api.add_router("", items.router)
api.add_router("", links.router)
api.add_router("", sharing.router)


@api.exception_handler(CalendarLiveError)
def _anticipated(request: HttpRequest, failure: CalendarLiveError) -> HttpResponse:
    return error_response(failure)


@api.exception_handler(AuthenticationError)
def _signed_out(request: HttpRequest, failure: AuthenticationError) -> HttpResponse:
    return error_response(SignedOut())


@api.exception_handler(Http404)
def _not_found(request: HttpRequest, failure: Http404) -> HttpResponse:
    return error_response(NotFound())


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, failure: RequestDataTooBig) -> HttpResponse:
    return error_response(TooLarge())


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _unavailable(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Say that the database is away, or that another writer held a calendar for too long: its client tries again."""
    logger.warning("The database did not serve %s %s: %s", request.method, request.path, failure)
    return error_response(Unavailable())


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, failure: HttpError) -> HttpResponse:
    kind = Forbidden if failure.status_code == Forbidden.status else Malformed
    return error_response(kind(str(failure)))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, failure: ValidationError) -> HttpResponse:
    fields: dict[str, list[str]] = {}
    for fault in failure.errors:
        fields.setdefault(_field_of(fault), []).append(_say(fault))
    return error_response(Invalid(fields=fields))


def _field_of(fault: dict[str, Any]) -> str:
    """Return the field a fault is about, from its place, as ("body", "body", "title") or ("query", "query", "start")."""
    names = [str(part) for part in fault["loc"] if isinstance(part, str)]
    return ".".join(names[2:] or names[-1:]) or "body"


def _say(fault: dict[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return "There is no such field."
    if fault["type"] == "missing":
        return "This field is required."
    return f"{fault['msg']}."


def urls() -> Sequence[URLPattern | URLResolver]:
    """Return the API's URL patterns; none of its answers may be kept by anyone."""
    patterns = api.urls[0]
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = fresh(pattern.callback)
    return [*patterns, path("<path:path>", fresh(unknown_address))]
