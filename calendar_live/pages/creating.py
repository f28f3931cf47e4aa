"""Serves the dialog that creates a work item."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from ..access import may_edit, memberships_of, require_edit
from ..errors import CalendarLiveError, Forbidden, Invalid, KeyReused, NotFound
from ..models import Calendar, WorkItem
from ..reading.calendars import people_of
from ..reading.tree import parent_choices
from ..schedule.ranges import NotATime, format_time, is_time_zone
from ..services.items import create_item
from .editing import show_refusal, show_typed
from .forms import ItemForm
from .http import fragment, is_htmx, saved
from .values import Values, blank_values, span_values


@require_http_methods(["GET", "HEAD", "POST"])
@fragment
def new_item(request: HttpRequest) -> HttpResponse:
    """Show the form of a new item (`?calendar&start&end&allDay&timeZone`), or create an item from it.

    A created item is answered with 204, errors with 422.
    """
    if request.method != "POST" and not is_htmx(request):
        return redirect("calendar_live:calendar")
    if request.method == "POST":
        return _create(request)
    calendars = _calendars(request)
    if not calendars:
        raise Forbidden("no_calendar_to_change")
    chosen = _chosen(calendars, request.GET.get("calendar"))
    return _show(request, calendars, initial=blank_values() | _asked_span(request, chosen) | {"calendar": chosen.pk})


def _create(request: HttpRequest) -> HttpResponse:
    form = ItemForm(request.POST, calendars=())
    if not form.is_valid():
        return _show_refusal(request, Invalid())
    calendar_id, item_id = form.cleaned_data["calendar"], form.cleaned_data["item_id"]
    try:
        written = create_item(
            calendar_id,
            actor=request.user,
            item_id=item_id,
            fields=form.changes(),
            mutation_id=form.cleaned_data["mutation_id"],
        )
    except KeyReused as reused:
        if WorkItem.objects.filter(pk=item_id, calendar=calendar_id, deleted_at=None).exists():
            return show_refusal(request, calendar_id, item_id, form, reused)
        return _show_refusal(request, KeyReused("created_before"), calendar_id)
    except CalendarLiveError as failure:
        return _show_refusal(request, failure, calendar_id)
    return saved(written.item_id, written.calendar_id, written.state)


def _show_refusal(request: HttpRequest, refusal: CalendarLiveError, calendar_id: UUID | None = None) -> HttpResponse:
    """Show the form as it was submitted, with the rights that its user has now, as `editing.show_refusal` does."""
    try:
        if calendar_id is not None:
            require_edit(request.user, calendar_id)
    except (Forbidden, NotFound) as lost:
        refusal = lost
    calendars = _calendars(request)
    if not calendars:
        return show_typed(request, refusal if calendar_id else Forbidden("no_calendar_to_change"))
    return _show(request, calendars, failure=refusal)


def _calendars(request: HttpRequest) -> list[Calendar]:
    """Return the calendars that the user may edit now, in the user's own order."""
    return [mine.calendar for mine in memberships_of(request.user) if may_edit(mine.role)]


def _show(
    request: HttpRequest,
    calendars: list[Calendar],
    *,
    initial: Values | None = None,
    failure: CalendarLiveError | None = None,
) -> HttpResponse:
    """Show the form: empty, or as it was submitted, with its errors."""
    chosen = initial["calendar"] if initial else _chosen(calendars, request.POST.get("calendar")).pk
    form = ItemForm(
        None if initial else request.POST,
        initial=initial,
        calendars=_choices(calendars),
        parents=parent_choices(chosen),
        people=people_of(chosen),
    )
    if failure is not None and form.is_valid():
        form.blame(failure)
    status = 200 if initial else failure.status if failure else Invalid.status
    return render(request, "calendar_live/item_form.html", {"form": form}, status=status)


def _choices(calendars: list[Calendar]) -> list[tuple[UUID, str]]:
    return [(calendar.pk, calendar.name) for calendar in calendars]


def _chosen(calendars: list[Calendar], wanted: str | None) -> Calendar:
    return next((calendar for calendar in calendars if str(calendar.pk) == wanted), calendars[0])


def _asked_span(request: HttpRequest, calendar: Calendar) -> Values:
    """Return the requested span in the user's time zone; by default, the next full hour. Raises Invalid."""
    zone = request.GET.get("timeZone", "")
    zone = zone if is_time_zone(zone) else calendar.time_zone
    all_day = request.GET.get("allDay") == "true"
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    start = request.GET.get("start") or format_time(hour, all_day=all_day)
    end = request.GET.get("end") or format_time(
        hour + timedelta(days=1) if all_day else hour + timedelta(hours=1), all_day=all_day
    )
    try:
        return span_values(start, end, all_day=all_day, time_zone=zone)
    except NotATime as error:
        raise Invalid(error.fault) from error


@require_safe
@fragment
def parent_options(request: HttpRequest) -> HttpResponse:
    """Return the form field with the items that a new item of `?calendar` may be part of.

    The answer also contains the people who may work on the item, which htmx swaps in elsewhere in the form.
    """
    try:
        calendar_id = UUID(request.GET.get("calendar", ""))
    except ValueError:
        raise NotFound from None
    require_edit(request.user, calendar_id)
    form = ItemForm(
        initial={"assignees": request.GET.getlist("assignees")},
        calendars=(),
        parents=parent_choices(calendar_id),
        people=people_of(calendar_id),
    )
    people = render_to_string("calendar_live/item_people.html", {"form": form, "out_of_band": True})
    return HttpResponse(f"{form['parent']}{people}")
