"""Deletes what is kept for a limited time: old change sets, receipts, the trash and ended invitations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from .. import changelog, conf
from ..models import Calendar, Invitation, Lease, WorkItem
from . import receipts

_BATCH: Final = 500  # rows per transaction, so that a writer never waits for long


def take_lease(duty: str, *, holder: str, seconds: float) -> bool:
    """Take or renew the lease of a duty, by the database's clock. Return False while another holder has it."""
    Lease.objects.bulk_create([Lease(duty=duty, expires_at=datetime.min.replace(tzinfo=UTC))], ignore_conflicts=True)
    free = Lease.objects.filter(Q(holder=holder) | Q(expires_at__lte=Now()), duty=duty)
    return free.update(holder=holder, expires_at=Now() + timedelta(seconds=seconds)) == 1


def prune_log(now: datetime) -> int:
    """Delete change sets older than LOG_DAYS, except each calendar's newest. Return how many were deleted."""
    before = now - timedelta(days=conf.app.LOG_DAYS)
    return _in_batches(lambda: changelog.prune(before=before, at_most=_BATCH))


def prune_receipts(now: datetime) -> int:
    """Delete receipts older than LOG_DAYS, like the change sets of `prune_log`. Return how many were deleted."""
    before = now - timedelta(days=conf.app.LOG_DAYS)
    return _in_batches(lambda: receipts.prune(before=before, at_most=_BATCH))


def purge_trash(now: datetime) -> int:
    """Delete for good what has been in the trash for more than TRASH_DAYS. Return how many rows were deleted.

    This concerns work items, and calendars with everything in them. Nothing is logged, because every receiver was told
    when they were moved to the trash.
    """
    before = now - timedelta(days=conf.app.TRASH_DAYS)
    old = Q(deleted_at__lt=before) | Q(calendar__deleted_at__lt=before)
    return _in_batches(lambda: _purge_items(old)) + _in_batches(lambda: _purge_calendar(before))


def _purge_items(old: Q) -> int:
    """Delete some items of one calendar that have no children: a parent cannot be deleted before its children."""
    lowest = WorkItem.objects.filter(old, children=None, overrides=None).order_by("deleted_at", "id")
    with transaction.atomic():
        calendar_id = lowest.values_list("calendar_id", flat=True).first()
        if calendar_id is None:
            return 0
        # An editor may be restoring the items. So the calendar is locked, and the items are read again.
        list(Calendar.objects.select_for_update().filter(pk=calendar_id).values_list("pk"))
        keys = list(lowest.filter(calendar=calendar_id).values_list("pk", flat=True)[:_BATCH])
        return WorkItem.objects.filter(pk__in=keys).delete()[1].get(WorkItem._meta.label, 0)


def _purge_calendar(before: datetime) -> int:
    with transaction.atomic():  # the row is locked, because an owner may be restoring the calendar
        old = Calendar.objects.select_for_update().filter(deleted_at__lt=before)
        calendar = old.order_by("deleted_at", "id").first()
        return 0 if calendar is None else calendar.delete()[1].get(Calendar._meta.label, 0)


def purge_invitations(now: datetime) -> int:
    """Delete invitations that ended more than TRASH_DAYS ago: they were accepted or withdrawn, or have expired.

    Return how many were deleted.
    """
    before = now - timedelta(days=conf.app.TRASH_DAYS)
    ended = Q(accepted_at__lt=before) | Q(withdrawn_at__lt=before) | Q(expires_at__lt=before)
    return Invitation.objects.filter(ended).delete()[0]


def _in_batches(delete_some: Callable[[], int]) -> int:
    total = 0
    while deleted := delete_some():
        total += deleted
    return total
