"""Lists every method of every URL, and every frame, from the resolver, the API and the protocol themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from calendar_live.api.app import api
from calendar_live.protocol import frames
from calendar_live.routing import websocket_urlpatterns

_API = "api"
# The admin of the site depends on Django's permissions; see tests/test_admin.py.
_ELSEWHERE = ("admin/",)


def _plain(route: str) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", route)


def _routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield _plain(route)
        elif not route.startswith(_ELSEWHERE):
            yield from _routes(pattern.url_patterns, route)


def _api_methods() -> dict[str, set[str]]:
    """Return the methods of the API by route."""
    methods: dict[str, set[str]] = {}
    for _, router in api._routers:
        for path, view in router.path_operations.items():
            route = _API + re.sub(r"{(?:\w+:)?(\w+)}", r"<\1>", path)
            methods.setdefault(route, set()).update(name for one in view.operations for name in one.methods)
    return methods


def endpoints() -> set[str]:
    """Return `METHOD route` of all endpoints, without HEAD, which allows what GET allows.

    A page, or another view that does not declare its methods, has GET and POST.
    """
    methods = _api_methods()
    routes = set(_routes(get_resolver().url_patterns))
    assert methods.keys() <= routes, "the API's calls are not where they were looked for"
    return {f"{method} {route}" for route in routes for method in methods.get(route, {"GET", "POST"})}


def frame_types() -> set[str]:
    """Return the types of frames that a client may send."""
    return set(frames._FIELDS)


def socket_paths() -> list[str]:
    """Return the routes of the WebSockets."""
    return [str(route.pattern) for route in websocket_urlpatterns]
