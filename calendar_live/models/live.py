"""Defines the columns of every live model. A row can be saved only inside a change of its calendar."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from contextvars import ContextVar
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ..protocol.wires import BEGINNING
from .calendar import Calendar

# The calendars for which a `changelog.change` is open in this context. Only their rows can be saved.
open_changes: ContextVar[frozenset[str]] = ContextVar("open_changes", default=frozenset())

WIRE_CONSTRAINT: Final = "%(app_label)s_%(class)s_has_a_wire"


class LiveModel(models.Model):
    """A row that is pushed to open pages: its calendar, its range, and its event object as encoded when it was written.

    `start` and `end` are instants and form a half-open range; those of an all-day row are UTC midnights. `state` is the
    state of the calendar that the row's last change made.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    calendar = models.ForeignKey(Calendar, on_delete=models.CASCADE, related_name="%(class)ss")
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    visibility = models.CharField(_("visibility"), max_length=10, default="normal")
    state = models.CharField(max_length=40, editable=False)
    wire = models.TextField(editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    _seen_as: str | None = None

    class Meta:
        abstract = True
        # A model's own Meta must inherit this one. Otherwise its table lacks the constraint, and a system check warns.
        constraints: ClassVar[tuple[models.BaseConstraint, ...]] = (
            models.CheckConstraint(condition=Q(wire__startswith=BEGINNING), name=WIRE_CONSTRAINT),
        )

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save as Django does. Raises RuntimeError outside a `changelog.change` of the row's calendar.

        Open pages would not be told of such a row.
        """
        self._refuse_past_the_log("save")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete as Django does. Raises RuntimeError outside a change, except for rows that are already deleted softly.

        Open pages were told of such a row when it was deleted softly.
        """
        if self.deleted_at is None:
            self._refuse_past_the_log("delete")
        return super().delete(*args, **kwargs)

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        """Return the row, and remember its stored visibility for `becomes_secret`."""
        row = super().from_db(db, field_names, values, **more)
        row._seen_as = row.__dict__.get("visibility")
        return row

    def becomes_secret(self) -> bool:
        """Whether the row is secret now, but was visible before to receivers who may not know of it."""
        if self.visibility != "secret" or self._state.adding:
            return False
        if self._seen_as is None:  # the instance was constructed with its id, or read without this column
            self._seen_as = type(self)._base_manager.values_list("visibility", flat=True).filter(pk=self.pk).first()
        return self._seen_as not in (None, "secret")

    def note_saved(self) -> None:
        """Remember the visibility with which the row was saved, unless it is secret.

        The transaction may still fail. Then the row remains visible as before.
        """
        if self.visibility != "secret":
            self._seen_as = self.visibility

    def _refuse_past_the_log(self, call: str) -> None:
        if str(self.calendar_id) not in open_changes.get():
            raise RuntimeError(
                f"{type(self).__name__}.{call}() outside calendar_live.changelog.change of its calendar: no open page "
                f"would be told, and what is sent would not be what is stored. Use change.upsert and change.destroy "
                f"inside of it."
            )
