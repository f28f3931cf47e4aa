"""The columns every live row has, whatever model it is; knows nothing of work items."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from .calendar import Calendar


class LiveModel(models.Model):
    """A row that is pushed: its place, its range, and its event object as it was encoded when it was written.

    `start` and `end` are instants, half-open; an all-day row keeps UTC midnights. `state` is that of the row's last change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="%(class)ss")
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    visibility = models.CharField(_("visibility"), max_length=10, default="normal")
    state = models.CharField(max_length=40, editable=False)
    wire = models.TextField(editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True
