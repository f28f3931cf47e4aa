"""Prunes the log: deletes old change sets, but never a calendar's newest."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery

from ..models.log import ChangeSet


def prune(*, before: datetime, at_most: int | None = None) -> int:
    """Delete the oldest change sets that were made before an instant, at most so many. Return how many were deleted.

    The newest change set of each calendar stays: it proves the calendar's head.
    """
    newest = (
        ChangeSet.objects.filter(calendar=OuterRef("calendar"))
        .order_by()
        .values("calendar")
        .annotate(newest=Max("revision"))
        .values("newest")
    )
    old = ChangeSet.objects.filter(made_at__lt=before, revision__lt=Subquery(newest))
    with transaction.atomic():
        # Rows that the deletion of a user has locked are skipped until the next time. Waiting for them with other rows
        # locked could be a deadlock.
        free = old.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_most]
        return ChangeSet.objects.filter(pk__in=list(free)).delete()[1].get(ChangeSet._meta.label, 0)
