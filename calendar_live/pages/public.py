"""Serves the read-only page of a public link, and the widget that other sites may frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_script_prefix, reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from ..access import open_link
from ..access.credentials import LinkToken, identify
from ..models import Priority, PublicLink, Status
from ..reading.calendars import describe_link

# The whole policy is set here, because who may frame these pages must not depend on the settings of a host site.
_POLICY: Final = "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; img-src 'self' data:"


@require_safe
@xframe_options_exempt
def public_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the calendar of a public link, on a page of its own."""
    return _page(request, LinkToken(token), embedded=False)


@require_safe
@xframe_options_exempt
def public_embed(request: HttpRequest, token: str) -> HttpResponse:
    """Show the calendar of a public link as a part of another page, which frames it."""
    return _page(request, LinkToken(token), embedded=True)


def _page(request: HttpRequest, credential: LinkToken, *, embedded: bool) -> HttpResponse:
    link = open_link(identify(credential))
    if link is None:  # unknown, expired or withdrawn: the answer does not tell which
        return _private(render(request, "calendar_live/public_gone.html", status=404), framed_by=())
    context = {"calendar": describe_link(link), "embedded": embedded, "page": _page_data(link, credential)}
    response = render(request, "calendar_live/public.html", context)
    return _private(response, framed_by=_frame_origins(link) if embedded else ())


def _frame_origins(link: PublicLink) -> Sequence[str]:
    return [str(origin) for origin in link.frame_origins]


def _page_data(link: PublicLink, credential: LinkToken) -> dict[str, object]:
    return {
        "calendar": str(link.calendar_id),
        "link": credential.token,
        "apiUrl": reverse("calendar_live_api:list_calendars").removesuffix("calendars/"),
        "socketUrl": f"{get_script_prefix()}ws/",
        "texts": _texts(),
        "labels": {str(value): str(label) for value, label in (*Status.choices, *Priority.choices)},
    }


def _private(response: HttpResponse, *, framed_by: Sequence[str]) -> HttpResponse:
    """Keep a page out of caches, search engines and other sites' frames, and its address out of `Referer` headers."""
    add_never_cache_headers(response)
    response["Content-Security-Policy"] = f"{_POLICY}; frame-ancestors " + (" ".join(framed_by) or "'none'")
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    if not framed_by:  # this header cannot list origins
        response["X-Frame-Options"] = "DENY"
    return response


def _texts() -> dict[str, str]:
    return {
        "live": _("Live"),
        "connecting": _("Connecting…"),
        "reconnecting": _("Reconnecting…"),
        "offline": _("Offline"),
        "signedOut": _("Ended"),
        "stopped": _("Disconnected"),
        "liveHint": _("Changes appear at once."),
        "liveByRequestsHint": _(
            "Changes appear at once. Your network blocks WebSockets, so the page uses HTTP instead."
        ),
        "reconnectingHint": _("The connection is lost. What you see may be out of date until it is back."),
        "signedOutHint": _("This link no longer works: it was withdrawn, or it has expired."),
        "stoppedHint": _("The server ended the connection. Reload the page to try again."),
        "reload": _("Reload"),
        "notLoaded": _("Some items are not loaded, because there is no connection."),
        "notShown": _("Some items could not be read and are not shown."),
        "busy": _("Busy"),
        "noItems": _("Nothing to show"),
        "more": _("{count} more"),
        "allDay": _("all day"),
    }
