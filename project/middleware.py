"""Django's own middlewares, each run where the request is. Changes nothing of what they do, and never reads a row on the event loop.

Under ASGI, Django sends each of them to a thread, once for the request and once for the answer: twenty crossings, which were nearly
all that a short request cost (docs/benchmarks.md). None of it waits for anything, but for the few cases named here. Django's guard
against queries on the event loop stays what finds a case that is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import csp.middleware
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase
from django.middleware import clickjacking, common, csrf, locale, security
from django.utils.deprecation import MiddlewareMixin

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class _AtOnce(MiddlewareMixin):
    """What Django's `MiddlewareMixin` does, without its threads."""

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


class SecurityMiddleware(_AtOnce, security.SecurityMiddleware):
    """Django's."""


class CSPMiddleware(_AtOnce, csp.middleware.CSPMiddleware):
    """django-csp's."""


class SessionMiddleware(_AtOnce, sessions.SessionMiddleware):
    """Django's. What was changed is written by a thread."""

    def waits(self, request: HttpRequest) -> bool:
        return bool(request.session.modified or settings.SESSION_SAVE_EVERY_REQUEST)


class LocaleMiddleware(_AtOnce, locale.LocaleMiddleware):
    """Django's."""


class CommonMiddleware(_AtOnce, common.CommonMiddleware):
    """Django's."""


class CsrfViewMiddleware(_AtOnce, csrf.CsrfViewMiddleware):
    """Django's. A form, which may be long, is taken apart by a thread."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self._process_view_at_once  # type: ignore[method-assign, assignment]  # Django asks which it is

    async def _process_view_at_once(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        check: Callable[..., HttpResponseBase | None] = super().process_view
        return await sync_to_async(check)(request, *view) if request.content_type in _FORMS else check(request, *view)


class AuthenticationMiddleware(_AtOnce, auth.AuthenticationMiddleware):
    """Django's, which reads the user when somebody asks for them."""


class MessageMiddleware(_AtOnce, messages.MessageMiddleware):
    """Django's. Messages may be kept in the session."""

    def waits(self, request: HttpRequest) -> bool:
        kept = getattr(request, "_messages", None)
        return bool(kept and (kept.used or kept.added_new))


class XFrameOptionsMiddleware(_AtOnce, clickjacking.XFrameOptionsMiddleware):
    """Django's."""
