"""Calendars and who belongs to them. A calendar row carries its own head (revision and nonce); only changelog.py moves it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
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


class Membership(models.Model):
    """One user's role in one calendar. `version` rises with each change of it, so that an access token can be told from an older one."""

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="calendar_memberships")
    role = models.CharField(_("role"), max_length=10, choices=Role.choices)
    version = models.BigIntegerField(default=1, editable=False)
    # Where the calendar stands in its member's own list; of two alike, the older calendar comes first.
    position = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (models.UniqueConstraint(fields=("calendar", "user"), name="one_role_per_member"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} {self.calendar_id}"
