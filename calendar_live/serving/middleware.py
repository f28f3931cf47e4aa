"""Runs Django's middlewares on the event loop where they need no thread.

Under ASGI, Django sends each of them to a thread, once for the request and once for the answer. That is about twenty
crossings, which were two thirds of the cost of a short request (docs/benchmarks.md). The middlewares wait for nothing,
except in the few cases named here. If a case is missing, Django's guard against queries on the event loop still finds
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, cast

from asgiref.sync import sync_to_async
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest, HttpResponseBase
from django.middleware import clickjacking, common, csrf, locale, security
from django.utils.deprecation import MiddlewareMixin

from .. import conf

_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


class AtOnce(MiddlewareMixin):
    """Django's `MiddlewareMixin` without its threads: a base for a middleware that never waits."""

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.process_request(request) if hasattr(self, "process_request") else None
        if response is None:
            response = await cast(Any, self.get_response)(request)
        if not hasattr(self, "process_response"):
            return cast(HttpResponseBase, response)
        if self.waits(request):
            return cast(HttpResponseBase, await sync_to_async(self.process_response)(request, response))
        return cast(HttpResponseBase, self.process_response(request, response))

    def waits(self, request: HttpRequest) -> bool:
        """Whether this middleware may have to wait while it processes the answer."""
        return False


class SecurityMiddleware(AtOnce, security.SecurityMiddleware):
    """Django's middleware, on the event loop."""


class SessionMiddleware(AtOnce, sessions.SessionMiddleware):
    """Django's middleware, on the event loop. A thread saves the session."""

    def waits(self, request: HttpRequest) -> bool:
        return bool(request.session.modified or conf.saves_every_session())


class LocaleMiddleware(AtOnce, locale.LocaleMiddleware):
    """Django's middleware, on the event loop."""


class CommonMiddleware(AtOnce, common.CommonMiddleware):
    """Django's middleware, on the event loop."""


class CsrfViewMiddleware(AtOnce, csrf.CsrfViewMiddleware):
    """Django's middleware, on the event loop. A thread parses forms, which may be long."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            # Django checks whether this is a coroutine function.
            self.process_view = self._process_view_at_once  # type: ignore[method-assign, assignment]

    async def _process_view_at_once(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        check: Callable[..., HttpResponseBase | None] = super().process_view
        return await sync_to_async(check)(request, *view) if request.content_type in _FORMS else check(request, *view)


class AuthenticationMiddleware(AtOnce, auth.AuthenticationMiddleware):
    """Django's middleware, on the event loop. It reads the user only when something asks for them."""


class MessageMiddleware(AtOnce, messages.MessageMiddleware):
    """Django's middleware, on the event loop. A thread stores messages, which may be kept in the session."""

    def waits(self, request: HttpRequest) -> bool:
        kept = getattr(request, "_messages", None)
        return kept is not None and bool(kept.used or kept.added_new)  # `bool(kept)` would read the session


class XFrameOptionsMiddleware(AtOnce, clickjacking.XFrameOptionsMiddleware):
    """Django's middleware, on the event loop."""


# The name of Django's middleware -> the name of its replacement.
OURS: Final[Mapping[str, str]] = {
    f"{own.__mro__[2].__module__}.{own.__name__}": f"{__name__}.{own.__name__}"
    for own in (
        SecurityMiddleware,
        SessionMiddleware,
        LocaleMiddleware,
        CommonMiddleware,
        CsrfViewMiddleware,
        AuthenticationMiddleware,
        MessageMiddleware,
        XFrameOptionsMiddleware,
    )
}


class AtOnceHandler(BaseHandler):
    """A request handler that uses these middlewares in place of Django's.

    The settings keep Django's names, because Django's checks go by them.
    """

    at_once: ClassVar[Mapping[str, str]] = OURS

    def load_middleware(self, is_async: bool = False) -> None:
        instead = dict(self.at_once)
        if conf.csrf_token_in_session():  # then it reads its token from the session
            instead.pop("django.middleware.csrf.CsrfViewMiddleware")
        with conf.middlewares_replaced(instead):
            super().load_middleware(is_async)
