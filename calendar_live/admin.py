"""Sets up the admin, which shows every row, and changes rows only through the services, by the staff user's rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from . import wording
from .access import standings
from .errors import CalendarLiveError, Fault, Invalid
from .models import Calendar, ChangeSet, Membership, PublicLink, Role, WorkItem, left_ownerless, ownerless
from .pages.accounts import PasswordForm
from .services import accounts, calendars, owners
from .services.items import delete_items
from .services.texts import is_text

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object  # the mixins below come before a ModelAdmin


class _ChecksQuery:
    """Refuses filters and searches for a text that no database can hold. PostgreSQL would fail at a NUL."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the list and of the search. Raises BadRequest."""
        if not all(is_text(value) for _, values in request.GET.lists() for value in values):
            raise BadRequest(wording.sentence(Fault("bad_characters")))
        found: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # a ModelAdmin has it
        return found


class _ByServices(_Admin):
    """Changes and deletes rows by services. What a service refuses is neither logged nor reported as done.

    A mixin. It must come before a ModelAdmin.
    """

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._answer(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._answer(request, super().delete_view, *args, **kwargs)

    def response_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return self._answer(request, super().response_action, *args, **kwargs)

    def _answer(self, request: HttpRequest, view: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a view of the admin. If a service refuses, show the reasons to the user instead of the view's answer."""
        try:
            return view(request, *args, **kwargs)
        except CalendarLiveError as failure:
            refusals = [wording.whole(failure)]
        except _Refused as several:
            refusals = several.reasons
        for reason in refusals:
            self.message_user(request, reason, messages.ERROR)
        return self.response_post_save_change(request, None)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Log nothing: the admin calls this before any deletion, and `_delete` logs each one together with it."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete what can be deleted, each part in a transaction of its own. Raises _Refused for the rest."""
        reasons = []
        for rows in self._parts(queryset):
            try:
                self._delete(request, rows)
            except CalendarLiveError as failure:
                named = Truncator(", ".join(map(str, rows))).chars(200)
                reasons.append(f"{named}: {wording.whole(failure)}")
        if reasons:
            raise _Refused(reasons)

    def _delete(self, request: HttpRequest, rows: list[Any]) -> None:
        with transaction.atomic():
            super().log_deletions(request, rows)  # type: ignore[arg-type]  # the admin, too, gives it a list
            self._call_service(request, rows)

    def _parts(self, rows: Iterable[Any]) -> Iterable[list[Any]]:
        """Return the rows in the parts that one call of the service deletes together."""
        return ([row] for row in rows)

    def _call_service(self, request: HttpRequest, rows: list[Any]) -> None:
        """Delete the rows of one part. Raises what the service raises."""
        raise NotImplementedError


class _Refused(Exception):
    """Services refused some of several deletions, for these reasons."""

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__(*reasons)


class _ReadOnly(_ByServices, _ChecksQuery, admin.ModelAdmin):  # type: ignore[type-arg]  # generic at type-checking time only
    """Shows rows, but does not save them, because that would write past the log."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Return what will be deleted: these rows alone, because the services delete softly and without a cascade."""
        refused = (
            {self.opts.verbose_name} if any(not self.has_delete_permission(request, obj) for obj in objs) else set()
        )
        return [str(obj) for obj in objs], {str(self.opts.verbose_name_plural): len(objs)}, refused, []


class _Owners(admin.SimpleListFilter):
    """Finds the calendars in which nobody can act as an owner."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", _("none whose account is active"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Calendar]) -> QuerySet[Calendar]:
        return queryset.filter(pk__in=ownerless()) if self.value() == "none" else queryset


@admin.register(Calendar)
class CalendarAdmin(_ReadOnly):
    """Owners may delete their calendars here. Staff can find calendars without an owner, and then add a membership."""

    list_display = ("name", "time_zone", "revision", "created_at", "deleted_at")
    list_filter = (_Owners,)
    search_fields = ("name",)

    def has_delete_permission(self, request: HttpRequest, obj: Calendar | None = None) -> bool:
        if obj is None:
            return super().has_delete_permission(request)
        return any(one.role == Role.OWNER for one in standings(request.user, calendars=[obj.pk]))

    def _call_service(self, request: HttpRequest, rows: list[Calendar]) -> None:
        for calendar in rows:
            calendars.delete_calendar(calendar.pk, actor=request.user)


@admin.register(WorkItem)
class WorkItemAdmin(_ReadOnly):
    """Editors may delete work items here."""

    list_display = ("title", "calendar", "work_type", "status", "start", "end", "deleted_at")
    list_filter = ("work_type", "status", "calendar")
    search_fields = ("title",)
    list_select_related = ("calendar",)

    def has_delete_permission(self, request: HttpRequest, obj: WorkItem | None = None) -> bool:
        if obj is None:
            return super().has_delete_permission(request)
        found = standings(request.user, calendars=[obj.calendar_id])
        return obj.deleted_at is None and any(one.may_edit for one in found)

    def _parts(self, rows: Iterable[WorkItem]) -> Iterable[list[WorkItem]]:
        by_calendar: dict[UUID, list[WorkItem]] = defaultdict(list)
        for item in rows:
            by_calendar[item.calendar_id].append(item)
        return by_calendar.values()

    def _call_service(self, request: HttpRequest, rows: list[WorkItem]) -> None:
        delete_items(rows[0].calendar_id, actor=request.user, item_ids=[item.pk for item in rows])


@admin.register(Membership)
class MembershipAdmin(_ReadOnly):
    """Staff may give and take roles here. They can also give a new owner to a calendar whose owners are gone."""

    list_display = ("user", "calendar", "role", "version")
    list_filter = ("calendar", "role")
    list_select_related = ("user", "calendar")
    fields = ("calendar", "user", "role")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return () if obj is None else ("calendar", "user")

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        calendars.set_role(obj.calendar, member=obj.user, role=Role(obj.role))
        obj.pk = Membership.objects.get(calendar=obj.calendar, user=obj.user).pk  # for the admin's own log

    def _call_service(self, request: HttpRequest, rows: list[Membership]) -> None:
        for membership in rows:
            calendars.remove_member(membership.calendar, member=membership.user)


@admin.register(PublicLink)
class PublicLinkAdmin(_ReadOnly):
    """Shows public links read-only, without their addresses. Owners change and withdraw them on the calendar page."""

    list_display = ("name", "calendar", "shows", "created_by", "created_at", "expires_at", "withdrawn_at")
    list_filter = ("calendar", "shows")
    list_select_related = ("calendar", "created_by")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(ChangeSet)
class ChangeSetAdmin(_ReadOnly):
    """Shows the log, read-only."""

    list_display = ("calendar", "revision", "actor", "entry_count", "wire_bytes", "made_at")
    list_filter = ("calendar",)
    list_select_related = ("calendar", "actor")

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class KeepsOwners(_ByServices, _ChecksQuery):
    """Deletes users through the service, which logs the deletion and leaves no calendar without an owner.

    A mixin for the admin of users. It must come before the other bases.
    """

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, which refuses to deactivate the last owner of a calendar."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is None or "is_active" not in form.base_fields:
            return form

        def clean_is_active(self: Any) -> bool:
            is_active = bool(self.cleaned_data["is_active"])
            try:
                if obj.is_active and not is_active:
                    owners.require_owners_without(obj)
            except Invalid as failure:
                raise ValidationError(wording.detail(failure)) from failure
            return is_active

        return type(form.__name__, (form,), {"clean_is_active": clean_is_active})

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[Any], list[Any]]:
        """Return what will be deleted, and the calendars that prevent it because they would have no active owner.

        Calendars without other members do not prevent it: the service deletes them together with the user.
        """
        going, counts, refused, _cascade = super().get_deleted_objects(objs, request)
        return going, counts, refused, [str(calendar) for calendar in left_ownerless([user.pk for user in objs])]

    def _call_service(self, request: HttpRequest, rows: list[User]) -> None:
        for user in rows:
            accounts.delete_user(user)


class AdminSignInForm(PasswordForm, AdminAuthenticationForm):
    """Django's sign-in form for staff, which also refuses the demo's password."""


class LiveUserAdmin(KeepsOwners, UserAdmin):  # type: ignore[type-arg]  # as above
    """Django's admin of users, which also keeps an owner in every calendar."""


if admin.site.login_form is None:  # a host site's own form or admin stays, here and below
    admin.site.login_form = AdminSignInForm
if admin.site.is_registered(User) and type(admin.site.get_model_admin(User)) is UserAdmin:
    admin.site.unregister(User)
    admin.site.register(User, LiveUserAdmin)
