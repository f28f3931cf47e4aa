"""Assembles the API, and says who may call it and how each failure is answered."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, RawPostDataException
from django.http.multipartparser import MultiPartParserError
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError, ValidationErrorContext
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from .. import conf
from ..errors import CalendarLiveError, Fault, Forbidden, Invalid, Malformed, NotFound, SignedOut, TooLarge, Unavailable
from . import calendars, feeds, frames, items, links, sharing
from .auth import People
from .http import error_response, fresh, unknown_address

logger = logging.getLogger(__name__)

_MOST_FAULTS: Final = 100  # named in one answer
_HALF_A_CHARACTER: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _Json(Parser):
    """Parses bodies as JSON in UTF-8, of at most MAX_BODY_BYTES.

    Django's own limit relies on the headers, which do not give the length of a body in chunks. Half a surrogate pair in
    any field is refused, because no database and no answer can contain it.
    """

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        most = conf.app.MAX_BODY_BYTES
        if len(request.body) > most:
            raise TooLarge("body_too_large", limit=most)
        text = request.body.decode()
        body: dict[str, Any] = json.loads(text)
        if _HALF_A_CHARACTER.search(text):
            try:
                json.dumps(body, ensure_ascii=False).encode()
            except UnicodeEncodeError as error:
                raise Malformed("half_character") from error
        return body


_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A key of your own: the same request again, under it, is done once.",
    "schema": {"type": "string", "format": "uuid"},
}


class _Api(NinjaAPI):
    """ninja's API, but it never lists more faults than anybody would read.

    A small body can have 400,000 faults, and listing them took 500 MB.
    """

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """Return the description, with the `Idempotency-Key` header on every call that changes something."""
        schema = super().get_openapi_schema(**options)
        for place, calls in schema["paths"].items():
            for method, call in calls.items():
                if method != "get" and not place.endswith("/frames/"):
                    call["parameters"] = [*call.get("parameters", ()), _KEY]
        return schema

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        faults = sum(context.pydantic_validation_error.error_count() for context in error_contexts)
        if faults > _MOST_FAULTS:
            raise Invalid("too_many_faults", count=faults)
        return super().validation_error_from_error_contexts(error_contexts)


api = _Api(
    title="calendar_live",
    version="1",
    description="Calendars, their feeds and their work items. Errors are {code, detail, fields}; see docs/protocol.md.",
    auth=People(),
    parser=_Json(),
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


@api.exception_handler(TooManyFieldsSent)
def _too_many_parameters(request: HttpRequest, failure: TooManyFieldsSent) -> HttpResponse:
    return error_response(Malformed("too_many_parameters"))


@api.exception_handler(MultiPartParserError)
@api.exception_handler(RawPostDataException)
def _form(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Answer a failure to read the form in which Django looks for the CSRF token."""
    return error_response(Malformed("body_is_form"))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _unavailable(request: HttpRequest, failure: Exception) -> HttpResponse:
    """Answer that the database is away, or that another writer held a lock for too long. The client tries again."""
    logger.warning("The database did not serve %s %s: %s", request.method, request.path, failure)
    return error_response(Unavailable())


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, failure: HttpError) -> HttpResponse:
    if isinstance(failure.__cause__, CalendarLiveError):  # ninja has wrapped what the parser raised
        return error_response(failure.__cause__)
    if failure.status_code == Forbidden.status:
        return error_response(Forbidden("csrf"))
    return error_response(Malformed("body_not_json"))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, failure: ValidationError) -> HttpResponse:
    fields: dict[str, list[Fault]] = {}
    for fault in failure.errors:
        fields.setdefault(_field_of(fault), []).append(_fault_of(fault))
    return error_response(Invalid(fields=fields))


def _field_of(fault: dict[str, Any]) -> str:
    """Return the name of the field at fault.

    It is taken from the fault's location, such as ("body", "body", "title") or ("query", "query", "start").
    """
    names = [str(part) for part in fault["loc"] if isinstance(part, str)]
    return ".".join(names[2:] or names[-1:]) or "body"


def _fault_of(fault: dict[str, Any]) -> Fault:
    if fault["type"] == "extra_forbidden":
        return Fault("unknown_field")
    if fault["type"] == "missing":
        return Fault("required")
    return Fault("of_schema", said=fault["msg"])


def urls() -> Sequence[URLPattern | URLResolver]:
    """Return the API's URL patterns. No browser and no proxy may keep any of their answers."""
    patterns = api.urls[0]
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            pattern.callback = fresh(pattern.callback)
    return [*patterns, path("<path:path>", csrf_exempt(fresh(unknown_address)))]
