"""Model of public links, which are secret addresses of a read-only calendar. Written by services/sharing."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .calendar import Calendar


class Shows(models.TextChoices):
    FULL = "full", _("everything public")
    FREEBUSY = "freebusy", _("free/busy")


class PublicLink(models.Model):
    """A way to read one calendar without an account. Its token is signed and not stored: see access/credentials.py.

    `version` rises with each change of `shows`. `frame_origins` are the origins whose pages may frame the link's page.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="public_links")
    name = models.CharField(_("name"), max_length=120)
    shows = models.CharField(_("shows"), max_length=10, choices=Shows.choices)
    frame_origins = models.JSONField(default=list, blank=True)
    version = models.BigIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("public link")
        verbose_name_plural = _("public links")
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.name
