"""Sets up the admin, which shows every row, and changes rows only through the services, by the staff user's rights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import BadRequest, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from . import wording
from .access import standings
from .errors import CalendarLiveError, Fault, Invalid
from .models import Calendar, ChangeSet, Membership, PublicLink, Role, WorkItem, left_ownerless, ownerless
from .pages.accounts import PasswordForm
from .services import accounts, calendars, owners
from .services.items import delete_items
from .services.texts import is_text


class _ChecksQuery:
    """Refuses filters and searches for a text that no database can hold. PostgreSQL would fail at a NUL."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the list and of the search. Raises BadRequest."""
        if not all(is_text(value) for _, values in request.GET.lists() for value in values):
            raise BadRequest(wording.sentence(Fault("bad_characters")))
        found: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # a ModelAdmin has it
        return found


class _ReadOnly(_ChecksQuery, admin.ModelAdmin):  # type: ignore[type-arg]  # generic at type-checking time only
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

    def _try(self, request: HttpRequest, act: Any, *args: Any, **kwargs: Any) -> None:
        """Call a service. If it refuses, show the reason to the user."""
        try:
            act(*args, **kwargs)
        except CalendarLiveError as failure:
            self.message_user(request, wording.whole(failure), messages.ERROR)


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

    def delete_model(self, request: HttpRequest, obj: Calendar) -> None:
        self._try(request, calendars.delete_calendar, obj.pk, actor=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Calendar]) -> None:
        for calendar in queryset.order_by("pk"):
            self.delete_model(request, calendar)


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

    def delete_model(self, request: HttpRequest, obj: WorkItem) -> None:
        self._delete(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WorkItem]) -> None:
        self._delete(request, queryset.filter(deleted_at=None))

    def _delete(self, request: HttpRequest, items: Iterable[WorkItem]) -> None:
        by_calendar: dict[UUID, list[UUID]] = defaultdict(list)
        for item in items:
            by_calendar[item.calendar_id].append(item.pk)
        for calendar_id in sorted(by_calendar):
            self._try(request, delete_items, calendar_id, actor=request.user, item_ids=by_calendar[calendar_id])


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
        self._try(request, calendars.set_role, obj.calendar, member=obj.user, role=Role(obj.role))
        # The admin's own log needs the key. There is no membership if the service refused to add one.
        known = Membership.objects.filter(calendar=obj.calendar, user=obj.user).values_list("pk", flat=True)
        obj.pk = known.first()

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None if obj.pk is None else super().log_addition(request, obj, message)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        if obj.pk is None:  # the service refused; the reason is among the messages
            return self.response_post_save_add(request, obj)
        return super().response_add(request, obj, post_url_continue)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        self._try(request, calendars.remove_member, obj.calendar, member=obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        for membership in queryset.select_related("calendar", "user"):
            self.delete_model(request, membership)


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


class KeepsOwners(_ChecksQuery):
    """Deletes users through the service, which logs the deletion and leaves no calendar without an owner.

    A mixin for the admin of users. It must come before the other bases.
    """

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form, which refuses to deactivate the last owner of a calendar."""
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]  # a ModelAdmin has it
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
        going, counts, refused, _cascade = super().get_deleted_objects(objs, request)  # type: ignore[misc]  # as above
        return going, counts, refused, [str(calendar) for calendar in left_ownerless([user.pk for user in objs])]

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        _ReadOnly._try(self, request, accounts.delete_user, obj)  # type: ignore[arg-type]  # any ModelAdmin will do

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for user in queryset:
            self.delete_model(request, user)


class AdminSignInForm(PasswordForm, AdminAuthenticationForm):
    """Django's sign-in form for staff, which also refuses the demo's password."""


class LiveUserAdmin(KeepsOwners, UserAdmin):  # type: ignore[type-arg]  # as above
    """Django's admin of users, which also keeps an owner in every calendar."""


if admin.site.login_form is None:  # a host site's own form or admin stays, here and below
    admin.site.login_form = AdminSignInForm
if admin.site.is_registered(User) and type(admin.site.get_model_admin(User)) is UserAdmin:
    admin.site.unregister(User)
    admin.site.register(User, LiveUserAdmin)
