"""Calendars and their members. A calendar's row holds its head (revision and nonce), which only the log moves."""

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
    # The highest access version of a member who left: who joins begins above it, so that no access token comes twice (rule S5).
    access_floor = models.BigIntegerField(default=0, db_default=0, editable=False)
    # Rises with each change of its members, invitations and public links: what its owners' pages are told of those.
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
    """Delete memberships with their users (an `on_delete`), but for those of last owners. Raises ProtectedError with these.

    Migrations see tables of before, which they must mind themselves.
    """
    users = set(memberships.values_list("user_id", flat=True)) if memberships.model is Membership else set()
    if users and (left := left_ownerless(users, gone=True)):
        last = Membership.objects.filter(user__in=users, calendar__in=left, role=Role.OWNER)
        raise ProtectedError(
            "No owner whose account is active would be left.", set(last.select_related("user", "calendar"))
        )
    models.CASCADE(collector, field, memberships, using)


class Membership(models.Model):
    """One user's role in one calendar. `version` rises with each change of it, so that an access token can be told from an older one."""

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=keep_owners, related_name="calendar_memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    version = models.BigIntegerField(default=1, editable=False)
    # Where the calendar stands in its member's own list; of two alike, the older calendar comes first.
    position = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    # Ownership is offered by an owner, who becomes an editor in turn if this hands the calendar over, until its member answers.
    # Unknown to the database: a process of an earlier version deletes users without reading this column.
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
    """Return the calendars that have no owner whose account is active, but somebody who needs one, or nobody at all.

    One whose members are all inactive rests until one of them is active again. `without`: as if the accounts of these users were not
    active; `gone`: as if there were none.
    """
    members = Membership.objects.filter(calendar=OuterRef("pk"))
    active = members.filter(user__is_active=True).exclude(user__in=without)
    found = Calendar.objects.filter(~Exists(active.filter(role=Role.OWNER)), deleted_at=None)
    return found.filter(Exists(active) | ~Exists(members.exclude(user__in=without) if gone else members))


def left_ownerless(users: Collection[Any], *, gone: bool = False) -> list[Calendar]:
    """Return the calendars of which these users are the last owners, and which need one when they are not active, or `gone`."""
    owned = Membership.objects.filter(user__in=users, role=Role.OWNER).values("calendar")
    return list(ownerless(without=users, gone=gone).filter(pk__in=owned))


def names_of(calendars: Collection[Calendar]) -> str:
    """Return calendars as people call them, for a message."""
    return ", ".join(f"“{calendar.name}”" for calendar in calendars)
