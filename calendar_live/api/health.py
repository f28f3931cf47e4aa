"""Serves the endpoints for operators: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from .. import conf
from ..live.probes import layer_answers


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process is up."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the database answers, otherwise 503. The body also says whether Redis answers.

    Redis does not affect the status, because the site is right without it.
    """
    database = _database_answers()
    return JsonResponse({"database": database, "redis": layer_answers()}, status=200 if database else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return False
    return True


@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the counters of this process as Prometheus text.

    For staff, for bearers of METRICS_TOKEN, and for anyone while DEBUG is on.
    """
    token = conf.app.METRICS_TOKEN
    bears = bool(token) and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")
    if not (bears or conf.debug() or getattr(request.user, "is_staff", False)):
        said = _("The metrics are for staff, and for bearers of METRICS_TOKEN. Sign in with a staff account.")
        return HttpResponse(f"{said}\n", status=403)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
