"""Handles HTTP for all API views: HEAD, preconditions, idempotency keys, caching headers and error bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import cast
from urllib.parse import unquote_to_bytes
from uuid import UUID

import orjson
from asgiref.sync import iscoroutinefunction
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from .. import conf, wording
from ..errors import CalendarLiveError, Fault, Invalid, Malformed, NotFound, Stale, WrongMethod

View = Callable[..., HttpResponseBase]


def fresh(view: View) -> View:
    """Wrap a view so that no browser and no proxy keeps its answers, including its errors (docs/caching.md).

    The view handles a HEAD request as a GET.
    """

    @wraps(view)
    def never_kept(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        with _head_as_get(request):
            return _kept_nowhere(view(request, *args, **kwargs))

    @wraps(view)
    async def never_kept_async(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        with _head_as_get(request):
            return _kept_nowhere(await cast(Awaitable[HttpResponseBase], view(request, *args, **kwargs)))

    return cast(View, never_kept_async) if iscoroutinefunction(view) else never_kept


@contextmanager
def _head_as_get(request: HttpRequest) -> Iterator[None]:
    """Turn a HEAD, which ninja does not know, into a GET while the block runs (RFC 9110, section 9.3.2).

    The server leaves the body out, as for any HEAD.
    """
    method = request.method
    if method == "HEAD":
        request.method = "GET"
    try:
        yield
    finally:
        request.method = method


def _kept_nowhere(response: HttpResponseBase) -> HttpResponseBase:
    if isinstance(response, HttpResponseNotAllowed):  # Django's own text is not an answer of this API
        response = error_response(WrongMethod(), headers={"Allow": response["Allow"].replace("GET", "GET, HEAD")})
    add_never_cache_headers(response)
    patch_vary_headers(response, ("Cookie", "Authorization"))
    return response


def session_key(request: HttpRequest) -> str | None:
    """Return the session key that the request presents, without checking it."""
    return request.COOKIES.get(conf.session_cookie())


def may_wait(request: HttpRequest) -> bool:
    """Whether a request may wait for changes. Only under ASGI can it wait without occupying a thread.

    A HEAD does not wait, because its answer could not tell it of any change.
    """
    return isinstance(request, ASGIRequest) and request.META["REQUEST_METHOD"] != "HEAD"


def json_response(body: str | bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return an answer whose body is this JSON text."""
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def error_response(failure: CalendarLiveError, *, headers: dict[str, str] | None = None) -> HttpResponse:
    """Return the answer for a failure: its status, and `{"code", "detail"[, "fields"][, "current"]}`."""
    body = wording.as_json(failure)
    if isinstance(failure, Stale):
        body["current"] = None if failure.current is None else orjson.Fragment(failure.current)
    seconds = failure.retry_after_seconds
    retry = {} if seconds is None else {"Retry-After": str(seconds)}
    return json_response(orjson.dumps(body), status=failure.status, headers=retry | (headers or {}))


def unknown_address(request: HttpRequest, path: str) -> HttpResponse:
    """Answer that the API has no such address."""
    return error_response(NotFound("no_address", path=path[:200]))


def expected_state(request: HttpRequest) -> str | None:
    """Return the state that `If-Match` names, or None if the header is absent or `*`. Raises Malformed."""
    value = request.headers.get("If-Match")
    if value is None or value.strip() == "*":
        return None
    value = value.strip()
    if len(value) < 3 or value[0] != '"' or value[-1] != '"' or '"' in value[1:-1]:
        raise Malformed("if_match")
    return value[1:-1]


def mutation_id(request: HttpRequest) -> UUID | None:
    """Return the `Idempotency-Key`, or None if the header is absent. Raises Malformed."""
    value = request.headers.get("Idempotency-Key")
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError as error:
        raise Malformed("idempotency_key") from error


def matches(request: HttpRequest, etag: str) -> bool:
    """Whether the client already has the answer with this ETag."""
    value = request.headers.get("If-None-Match", "")
    return any(one.strip().removeprefix("W/") == etag for one in value.split(","))


def refuse_unknown_parameters(request: HttpRequest, known: Collection[str]) -> None:
    """Raise Invalid, which names each unknown query parameter: a misspelt filter must not return everything.

    Raises Malformed if the query is not UTF-8. Django would replace the bytes that are not, and find something else.
    """
    try:
        unquote_to_bytes(request.META.get("QUERY_STRING", "")).decode()
    except UnicodeDecodeError as error:
        raise Malformed("query_not_utf_8") from error
    unknown = [name for name in request.GET if name not in known]
    if unknown:
        raise Invalid(fields={name: [Fault("unknown_parameter")] for name in unknown})
