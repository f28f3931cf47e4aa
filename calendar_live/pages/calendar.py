"""Serves the calendar page, with the data that its scripts start from."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from .. import conf
from ..access import display_name, may_edit
from ..models import Priority, Status, WorkType
from ..reading.calendars import describe_all
from .texts import texts


@require_safe
@never_cache
@login_required
@ensure_csrf_cookie
def calendar_page(request: HttpRequest) -> HttpResponse:
    """Show the calendars of the user who is signed in."""
    calendars = describe_all(request.user)
    context = {
        "calendars": [{**one, "mayEdit": may_edit(one["role"])} for one in calendars],
        "may_create": any(may_edit(one["role"]) for one in calendars),
        "work_types": WorkType.choices,
        "statuses": Status.choices,
        "trash_days": conf.app.TRASH_DAYS,
        "person": display_name(request.user),
        "page": {
            "userId": str(request.user.pk),
            "calendars": calendars,
            "apiUrl": reverse("calendar_live_api:list_calendars").removesuffix("calendars/"),
            "socketUrl": f"{get_script_prefix()}ws/",
            "newUrl": reverse("calendar_live:item_new"),
            "editUrl": _edit_url(),
            "loginUrl": reverse("calendar_live:login"),
            "texts": texts(),
            "labels": {str(value): str(label) for value, label in (*Status.choices, *Priority.choices)},
        },
    }
    return render(request, "calendar_live/calendar.html", context)


def _edit_url() -> str:
    """Return the address of an item's dialog, with `{calendar}` and `{item}` as placeholders."""
    places = {"calendar_id": UUID(int=1), "item_id": UUID(int=2)}
    url = reverse("calendar_live:item_edit", kwargs=places)
    return url.replace(str(places["calendar_id"]), "{calendar}").replace(str(places["item_id"]), "{item}")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect to the icon. Browsers request this address by themselves."""
    return redirect(static("calendar_live/favicon.svg"))
