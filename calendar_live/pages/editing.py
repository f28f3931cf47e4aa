"""Serves the dialog of a work item: a form for editors, details for viewers, both versions after a conflict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from .. import access, wording
from ..access import Standing, display_name
from ..errors import CalendarLiveError, Forbidden, Invalid, KeyReused, NotFound, Stale
from ..models import WorkItem
from ..protocol.fields import SETTABLE, Kind
from ..protocol.rights import reads_whole
from ..protocol.state import State
from ..reading.calendars import people_of
from ..reading.item import read_as_of, read_item
from ..reading.tree import ids_below, parent_choices
from ..services.items import update_item
from .forms import COLUMNS, SPAN, ItemForm
from .http import fragment, is_htmx, saved
from .values import Values, say, say_when, span_values, values_of

_FORM = "calendar_live/item_form.html"

# The fields that the details show as a line of text. The others are elsewhere in the details, or not shown.
_TOLD_IN_LINES: Final = tuple(
    field.key
    for field in SETTABLE
    if field.label
    and not field.in_span
    and field.name not in ("title", "visibility")
    and field.kind not in (Kind.COLOR, Kind.LINES, Kind.LINK)
)


@require_http_methods(["GET", "HEAD", "POST"])
@fragment
def edit_item(request: HttpRequest, calendar_id: UUID, item_id: UUID) -> HttpResponse:
    """Show an item, as a form to editors and as details to others, or save the form.

    A saved form is answered with 204, errors with 422, and a conflict with 412 and both versions. A form sent with
    `compare` is never saved: the answer has what was typed on top of the item as it is now.
    """
    if request.method != "POST" and not is_htmx(request):
        return redirect(f"{reverse('calendar_live:calendar')}#{calendar_id}/{item_id}")
    if request.method == "POST":
        return (_compare if "compare" in request.POST else _save)(request, calendar_id, item_id)
    standing = access.standing(request.user, calendar_id)
    item, wire = _find(standing, item_id)
    if not standing.may_edit:
        return _show_details(request, standing, item, wire)
    return _show(request, item)


def _find(standing: Standing, item_id: UUID) -> tuple[WorkItem, str]:
    """Return an item and its wire, as `read_item` does. Raises NotFound, which says that the item is gone."""
    try:
        return read_item(standing, item_id)
    except NotFound as failure:
        raise NotFound("item_gone") from failure


def _show(
    request: HttpRequest,
    item: WorkItem,
    *,
    data: Any = None,  # a QueryDict; Any because the type of request.POST is private
    failure: CalendarLiveError | None = None,
    status: int = 200,
    **more: object,
) -> HttpResponse:
    """Show the form of an item: as the item is, or with what was typed and the reason for the refusal."""
    under = ids_below(item)
    form = ItemForm(
        data,
        initial=values_of(item.wire)
        | {"state": item.state, "base": item.state, "item_id": item.pk, "calendar": item.calendar_id},
        parents=parent_choices(item.calendar_id, without={*under, item.pk}, keep=item.parent),
        people=people_of(item.calendar_id),
    )
    if failure is not None and form.is_valid():
        form.blame(failure)
    where = {"calendar_id": item.calendar_id, "item_id": item.pk}
    context = {
        "form": form,
        "item": item,
        "children": len(under),
        "changed_by": display_name(item.updated_by) if item.updated_by else "",
        "edit_url": reverse("calendar_live:item_edit", kwargs=where),
        "copy": _new_ids(),
    }
    return render(request, _FORM, context | more, status=failure.status if failure else status)


def _new_ids() -> str:
    """Return the values of the button that creates a new item from what was typed: the ids to use for it."""
    return orjson.dumps({"item_id": str(uuid4()), "mutation_id": str(uuid4())}).decode()


def _save(request: HttpRequest, calendar_id: UUID, item_id: UUID) -> HttpResponse:
    form = ItemForm(request.POST)
    refusal: CalendarLiveError = Invalid()
    if form.is_valid():
        try:
            return _write(request, calendar_id, item_id, form)
        except CalendarLiveError as failure:
            refusal = failure
    return show_refusal(request, calendar_id, item_id, form, refusal)


def _write(request: HttpRequest, calendar_id: UUID, item_id: UUID, form: ItemForm) -> HttpResponse:
    changes = form.changes()
    if not changes:
        return _leave_as_it_is(request, calendar_id, item_id)
    written = update_item(
        calendar_id,
        actor=request.user,
        item_id=item_id,
        changes=changes,
        expected_state=form.cleaned_data["state"],
        mutation_id=form.cleaned_data["mutation_id"],
    )
    return saved(written.item_id, written.calendar_id, written.state)


def _leave_as_it_is(request: HttpRequest, calendar_id: UUID, item_id: UUID) -> HttpResponse:
    """Answer a form in which nothing was touched with the state of the item. Raises what a write would raise."""
    standing = access.require_edit(request.user, calendar_id)
    try:
        item, _wire = _find(standing, item_id)
    except NotFound as gone:
        if WorkItem.objects.filter(pk=item_id, calendar=calendar_id).exists():
            raise Stale("deleted_meanwhile") from gone
        raise
    return saved(str(item.pk), str(calendar_id), item.state)


def _compare(request: HttpRequest, calendar_id: UUID, item_id: UUID) -> HttpResponse:
    """Show what was typed on top of the item as it is now, and both versions if they differ. Save nothing.

    The differences are those since the form was opened, so a change that was undone in the meantime is none.
    """
    form = ItemForm(request.POST)
    standing = access.standing(request.user, calendar_id)
    item, _wire = _find(standing, item_id)
    if not standing.may_edit:
        return show_typed(request, Forbidden("view_only"))
    if not form.is_valid():
        return _show(request, item, data=request.POST, status=Invalid.status)
    theirs = values_of(item.wire)
    base = form.cleaned_data["base"]
    opened = read_as_of(item, State.parse(base)) if base else None
    first = values_of(opened) if opened else form.given()
    differences = [one for one in _differences(form, first, theirs, item.calendar_id) if one.mine != one.theirs]
    return _show(
        request,
        item,
        data=form.on_top_of(theirs, state=item.state),
        stale=bool(differences),
        touched=bool(form.changes()),
        differences=differences,
    )


def show_refusal(
    request: HttpRequest, calendar_id: UUID, item_id: UUID, form: ItemForm, refusal: CalendarLiveError
) -> HttpResponse:
    """Show why a form was not saved, with the rights that its user has now.

    The user may have lost rights while the form waited for the calendar's lock, so nothing that was read before the
    refusal counts. If the form's key was used before, the answer to an earlier submit was lost: then the form shows
    what was typed since on top of the item as it was saved.
    """
    try:
        standing = access.standing(request.user, calendar_id)
        if isinstance(refusal, Stale) and refusal.current is None and standing.may_edit:
            return _show_gone(request, calendar_id, refusal)
        item, _wire = _find(standing, item_id)
        if not standing.may_edit:
            raise Forbidden("view_only")
    except (Forbidden, NotFound) as lost:
        return show_typed(request, lost)
    if isinstance(refusal, Stale | KeyReused):
        return _show_stale(request, item, form, resumed=isinstance(refusal, KeyReused))
    return _show(request, item, data=request.POST, failure=refusal)


def show_typed(request: HttpRequest, refusal: CalendarLiveError) -> HttpResponse:
    """Show what was typed to a user who may not save it (any more), and nothing of the item or its calendar."""
    form = ItemForm(request.POST)
    form.is_valid()
    form.add_error(None, wording.detail(refusal))
    return render(request, _FORM, {"form": form, "refused": True}, status=refusal.status)


def _show_gone(request: HttpRequest, calendar_id: UUID, stale: Stale) -> HttpResponse:
    """Show what was typed for an item that somebody else has deleted."""
    form = ItemForm(request.POST, parents=parent_choices(calendar_id), people=people_of(calendar_id))
    return render(request, _FORM, {"form": form, "gone": True, "copy": _new_ids()}, status=stale.status)


def _show_stale(request: HttpRequest, item: WorkItem, form: ItemForm, *, resumed: bool) -> HttpResponse:
    """Show both versions of an item that somebody else has changed, or that an earlier submit has saved (`resumed`).

    Fields that this user touched stay as typed. The others take the other version's values.
    """
    theirs = values_of(item.wire)
    return _show(
        request,
        item,
        data=form.on_top_of(theirs, state=item.state),
        status=Stale.status,
        stale=True,
        resumed=resumed,
        differences=_differences(form, form.given(), theirs, item.calendar_id),
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that somebody else changed meanwhile. `mine` is None if this user did not touch it."""

    label: str
    theirs: str
    mine: str | None


def _differences(form: ItemForm, before: Values, theirs: Values, calendar: UUID) -> list[Difference]:
    """Return the fields in which somebody else's version differs from an earlier one."""
    touched, mine = form.touched(), form.cleaned_data
    named = {values["parent"] for values in (theirs, mine) if values["parent"]}
    names: dict[object, str] = dict(people_of(calendar))
    if named:  # only items of this calendar, because the user may not be allowed to see the titles of others
        names |= dict(WorkItem.objects.filter(pk__in=named, calendar=calendar).values_list("pk", "title"))
    found = []
    for name in ("title", "when", *(name for name in COLUMNS if name != "title")):
        parts = SPAN if name == "when" else (name,)
        if any(before[part] != theirs[part] for part in parts):
            label = _("When") if name == "when" else str(form.fields[name].label)
            typed = say(mine, name, names=names) if touched.intersection(parts) else None
            found.append(Difference(label, say(theirs, name, names=names), typed))
    return found


def _show_details(request: HttpRequest, standing: Standing, item: WorkItem, wire: str) -> HttpResponse:
    """Show what readers who may not edit are sent of an item, and nothing else of the row."""
    event = orjson.loads(wire)
    busy = "busy" in event
    span = span_values(event["start"], event["end"], all_day=event["allDay"], time_zone=event["timeZone"])
    values = span if busy else values_of(wire)
    parent = _visible_parent(standing, item)
    context = {
        "item": item.pk,
        "calendar": item.calendar.name,
        "busy": busy,
        "title": _("Busy") if busy else values["title"],
        "when": say_when(values),
        # A redacted wire names no parent, so a parent that the reader may see is added here.
        "lines": []
        if busy
        else _lines(values | {"parent": next(iter(parent), None)}, parent | dict(people_of(UUID(standing.calendar)))),
        "description": "" if busy else values["description"],
        "url": "" if busy else values["url"],
    }
    return render(request, "calendar_live/item_details.html", context)


def _visible_parent(standing: Standing, item: WorkItem) -> dict[object, str]:
    """Return the parent's title by its id, or nothing if the reader may not see it."""
    parent = item.parent
    if parent is None or not reads_whole(parent.visibility, standing.rights):
        return {}
    return {parent.pk: parent.title}


def _lines(values: Values, names: dict[object, str]) -> list[tuple[str, str]]:
    told = [(str(ItemForm.base_fields[name].label), say(values, name, names=names)) for name in _TOLD_IN_LINES]
    return [(label, text) for label, text in told if text]
