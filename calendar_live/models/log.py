"""Models of the log, which holds every change set of every calendar, in order. Written by the changelog."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from ..protocol.state import State
from .calendar import Calendar


class ChangeSet(models.Model):
    """What one transaction did to one calendar. The head's row proves which history this is, so it is never pruned."""

    id = models.BigAutoField(primary_key=True)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="change_sets")
    revision = models.BigIntegerField()
    nonce = models.CharField(max_length=16)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    mutation_id = models.UUIDField(null=True)
    request_digest = models.CharField(max_length=64, blank=True)
    entry_count = models.PositiveIntegerField(default=0)
    wire_bytes = models.PositiveBigIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("calendar", "revision"), name="one_change_set_per_revision"),
            models.UniqueConstraint(fields=("calendar", "actor", "mutation_id"), name="one_change_set_per_mutation"),
        )

    def __str__(self) -> str:
        return f"{self.calendar_id} {self.state}"

    @property
    def state(self) -> State:
        return State(self.revision, self.nonce)


class Entry(models.Model):
    """One item of a change set. `wire` is null if the item was destroyed.

    `item` is not a foreign key, because the log knows only ids.
    """

    id = models.BigAutoField(primary_key=True)
    change_set = models.ForeignKey(ChangeSet, on_delete=models.CASCADE, related_name="entries")
    item = models.UUIDField(db_index=True)
    wire = models.TextField(null=True)  # noqa: DJ001 - null means "destroyed"; a wire is never empty
    visibility = models.CharField(max_length=10, default="normal")

    class Meta:
        verbose_name_plural = _("entries")
        constraints = (models.UniqueConstraint(fields=("change_set", "item"), name="one_entry_per_item"),)

    def __str__(self) -> str:
        return f"{'destroyed' if self.wire is None else 'upserted'} {self.item}"
