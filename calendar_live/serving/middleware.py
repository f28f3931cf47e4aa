"""Django's middlewares, run on the event loop where they need no thread.

Under ASGI, Django sends each of them to a thread, once for the request and once for the answer: some twenty crossings, two thirds of
what a short request cost (docs/benchmarks.md). None of it waits for anything, but for the few cases named here. Django's guard
against queries on the event loop stays what finds a case that is missing.
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
    """What Django's `MiddlewareMixin` does, without its threads: a base for a middleware that waits for nothing."""

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
        """Whether what is left to do for the answer may wait for something."""
        return False


class SecurityMiddleware(AtOnce, security.SecurityMiddleware):
    """Django's."""


class SessionMiddleware(AtOnce, sessions.SessionMiddleware):
    """Django's. What was changed is written by a thread."""

    def waits(self, request: HttpRequest) -> bool:
        return bool(request.session.modified or conf.saves_every_session())


class LocaleMiddleware(AtOnce, locale.LocaleMiddleware):
    """Django's."""


class CommonMiddleware(AtOnce, common.CommonMiddleware):
    """Django's."""


class CsrfViewMiddleware(AtOnce, csrf.CsrfViewMiddleware):
    """Django's. A form, which may be long, is taken apart by a thread."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self._process_view_at_once  # type: ignore[method-assign, assignment]  # Django asks which it is

    async def _process_view_at_once(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        check: Callable[..., HttpResponseBase | None] = super().process_view
        return await sync_to_async(check)(request, *view) if request.content_type in _FORMS else check(request, *view)


class AuthenticationMiddleware(AtOnce, auth.AuthenticationMiddleware):
    """Django's, which reads the user when somebody asks for them."""


class MessageMiddleware(AtOnce, messages.MessageMiddleware):
    """Django's. Messages may be kept in the session."""

    def waits(self, request: HttpRequest) -> bool:
        kept = getattr(request, "_messages", None)
        return kept is not None and bool(kept.used or kept.added_new)  # its length would be read from the session


class XFrameOptionsMiddleware(AtOnce, clickjacking.XFrameOptionsMiddleware):
    """Django's."""


# Django's name -> what stands in for it.
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
    """A handler of requests that takes these for Django's. The settings keep Django's names, by which its checks go."""

    at_once: ClassVar[Mapping[str, str]] = OURS

    def load_middleware(self, is_async: bool = False) -> None:
        instead = dict(self.at_once)
        if conf.csrf_token_in_session():  # its token is read from the session then
            instead.pop("django.middleware.csrf.CsrfViewMiddleware")
        with conf.middlewares_replaced(instead):
            super().load_middleware(is_async)
