"""Prune the log: delete old change sets, but never a calendar's newest."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery

from ..models.log import ChangeSet


def prune(*, before: datetime, at_most: int | None = None) -> int:
    """Delete change sets made before an instant (the oldest ones, at most so many), but never a calendar's newest. Return how many."""
    newest = (
        ChangeSet.objects.filter(calendar=OuterRef("calendar"))
        .order_by()
        .values("calendar")
        .annotate(newest=Max("revision"))
        .values("newest")
    )
    old = ChangeSet.objects.filter(made_at__lt=before, revision__lt=Subquery(newest))
    with transaction.atomic():
        # What the deletion of a user holds is left for the next time: who waits for it, row by row, has rows that it waits for.
        free = old.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_most]
        return ChangeSet.objects.filter(pk__in=list(free)).delete()[1].get(ChangeSet._meta.label, 0)
