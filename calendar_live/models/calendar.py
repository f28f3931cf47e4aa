"""Models of calendars and members. A calendar's row holds its head (revision and nonce), which only the log moves."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, ProtectedError, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..protocol.state import State


class Calendar(models.Model):
    """A named, coloured collection of work items: the unit of sharing, ordering and push."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120)
    color = models.CharField(_("colour"), max_length=7, default="#2563eb")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    revision = models.BigIntegerField(default=0, editable=False)
    nonce = models.CharField(max_length=16, editable=False)
    # The highest access version of any member who has left. New members start above it, so that no access token is used
    # twice (rule S5).
    access_floor = models.BigIntegerField(default=0, db_default=0, editable=False)
    # Rises with each change of the calendar's members, invitations and public links, to tell its owners' pages of them.
    sharing_version = models.BigIntegerField(default=0, db_default=0, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> State:
        return State(self.revision, self.nonce)


class Role(models.TextChoices):
    OWNER = "owner", _("owner")
    EDITOR = "editor", _("editor")
    VIEWER = "viewer", _("viewer")
    FREEBUSY = "freebusy", _("free/busy")


def keep_owners(collector: Any, field: Any, memberships: Any, using: str) -> None:
    """Delete memberships together with their users, as an `on_delete` function.

    Raises ProtectedError, with the memberships of last owners, if a calendar would be left without an active owner.
    This function does not check the historical models of migrations: a migration that deletes users must check itself.
    """
    users = set(memberships.values_list("user_id", flat=True)) if memberships.model is Membership else set()
    if users and (left := left_ownerless(users, gone=True)):
        last = Membership.objects.filter(user__in=users, calendar__in=left, role=Role.OWNER)
        raise ProtectedError(
            "No owner whose account is active would be left.", set(last.select_related("user", "calendar"))
        )
    models.CASCADE(collector, field, memberships, using)


class Membership(models.Model):
    """One user's role in one calendar.

    `version` rises with each change of the role, so that an access token differs from every older one.
    """

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=keep_owners, related_name="calendar_memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    version = models.BigIntegerField(default=1, editable=False)
    # The calendar's place in the member's own list. Of two calendars in the same place, the older one comes first.
    position = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # The owner who offers ownership to this member, until the member answers. If the member accepts and `hands_over` is
    # set, that owner becomes an editor. The database has no constraint, because a process of an earlier version deletes
    # users without reading this column.
    offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
    )
    hands_over = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (models.UniqueConstraint(fields=("calendar", "user"), name="one_role_per_member"),)

    def __str__(self) -> str:
        named = {"user": self.user, "role": self.get_role_display(), "calendar": self.calendar}
        return gettext("%(user)s, %(role)s of %(calendar)s") % named


def ownerless(*, without: Collection[Any] = (), gone: bool = False) -> QuerySet[Calendar]:
    """Return the calendars without an active owner that have an active member, or no member at all.

    A calendar whose members are all inactive needs no owner until one of them is active again. The users in `without`
    count as inactive; with `gone`, they count as deleted.
    """
    members = Membership.objects.filter(calendar=OuterRef("pk"))
    active = members.filter(user__is_active=True).exclude(user__in=without)
    found = Calendar.objects.filter(~Exists(active.filter(role=Role.OWNER)), deleted_at=None)
    return found.filter(Exists(active) | ~Exists(members.exclude(user__in=without) if gone else members))


def left_ownerless(users: Collection[Any], *, gone: bool = False) -> list[Calendar]:
    """Return the calendars that these users own and that would need an owner without them.

    The users count as inactive; with `gone`, they count as deleted.
    """
    owned = Membership.objects.filter(user__in=users, role=Role.OWNER).values("calendar")
    return list(ownerless(without=users, gone=gone).filter(pk__in=owned))


def names_of(calendars: Collection[Calendar]) -> str:
    """Return the names of calendars, in quotation marks, for a message."""
    return ", ".join(f"“{calendar.name}”" for calendar in calendars)
