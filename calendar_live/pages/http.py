"""Handles what all views of HTML fragments share: sign-in, caching headers, and failures shown in the dialog."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

import orjson
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.translation import gettext as _

from .. import wording
from ..access import receiver_of
from ..access.credentials import page_user
from ..errors import CalendarLiveError, SignedOut, Unavailable

logger = logging.getLogger(__name__)

View = Callable[..., HttpResponse]


def is_htmx(request: HttpRequest) -> bool:
    """Whether the request comes from the dialog, not from somebody who typed the address."""
    return request.headers.get("HX-Request") == "true"


def fragment(view: View) -> View:
    """Wrap a view of the dialog: for signed-in users only, never cached, with anticipated failures shown in the dialog.

    If the user is signed out, the dialog gets a bare 401, because putting the sign-in page into it would lose what was
    typed.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = _answer(request, *args, **kwargs)
        add_never_cache_headers(response)
        patch_vary_headers(response, ("Cookie", "HX-Request"))
        return response

    def _answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not request.user.is_authenticated or not receiver_of(request.user).is_user(page_user(request)):
            return _signed_out(request)
        try:
            response = _carry_out(request, *args, **kwargs)
        except SignedOut:  # the account was deactivated or deleted meanwhile
            return _signed_out(request)
        # The page puts only answers with this header into the dialog, and no proxy's error page or sign-in page.
        response.headers["Calendar-Dialog"] = "1"
        return response

    def _carry_out(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (OperationalError, InterfaceError) as failure:
            logger.warning("The database did not serve %s %s: %s", request.method, request.path, failure)
            return _failed(request, Unavailable())
        except SignedOut:
            raise
        except CalendarLiveError as failure:
            return _failed(request, failure)

    def _failed(request: HttpRequest, failure: CalendarLiveError) -> HttpResponse:
        context = {"detail": wording.detail(failure), "fields": wording.fields(failure)}
        return render(request, "calendar_live/item_failure.html", context, status=failure.status)

    def _signed_out(request: HttpRequest) -> HttpResponse:
        if is_htmx(request):
            return HttpResponse(_("You are signed out."), status=401, headers={"HX-Reswap": "none"})
        return redirect_to_login(request.get_full_path())

    return answer


def saved(item_id: str, calendar_id: str, state: str) -> HttpResponse:
    """Answer 204, and send the page the event `workItemSaved`. The change itself arrives by push."""
    detail = {"workItemSaved": {"id": item_id, "calendar": calendar_id, "state": state}}
    return HttpResponse(status=204, headers={"HX-Trigger": orjson.dumps(detail).decode()})
