"""Delete what is kept only for a while: old change sets, receipts, the trash and ended invitations."""

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

_BATCH: Final = 500  # rows a transaction: a writer never waits for long


def take_lease(duty: str, *, holder: str, seconds: float) -> bool:
    """Take or renew a duty, by the database's clock. Return False while another holder has it."""
    Lease.objects.bulk_create([Lease(duty=duty, expires_at=datetime.min.replace(tzinfo=UTC))], ignore_conflicts=True)
    free = Lease.objects.filter(Q(holder=holder) | Q(expires_at__lte=Now()), duty=duty)
    return free.update(holder=holder, expires_at=Now() + timedelta(seconds=seconds)) == 1


def prune_log(now: datetime) -> int:
    """Delete change sets older than LOG_DAYS, but each calendar's newest. Return how many."""
    before = now - timedelta(days=conf.app.LOG_DAYS)
    return _in_batches(lambda: changelog.prune(before=before, at_most=_BATCH))


def prune_receipts(now: datetime) -> int:
    """Delete receipts as old as the change sets that `prune_log` deletes. Return how many."""
    before = now - timedelta(days=conf.app.LOG_DAYS)
    return _in_batches(lambda: receipts.prune(before=before, at_most=_BATCH))


def purge_trash(now: datetime) -> int:
    """Delete for good what was deleted more than TRASH_DAYS ago: work items, and calendars with all they hold. Return how many rows.

    Nothing is logged: every receiver was told when it was deleted.
    """
    before = now - timedelta(days=conf.app.TRASH_DAYS)
    old = Q(deleted_at__lt=before) | Q(calendar__deleted_at__lt=before)
    return _in_batches(lambda: _purge_items(old)) + _in_batches(lambda: _purge_calendar(before))


def _purge_items(old: Q) -> int:
    """Delete some of the lowest in one calendar: a parent cannot go before what is below it."""
    lowest = WorkItem.objects.filter(old, children=None, overrides=None).order_by("deleted_at", "id")
    with transaction.atomic():
        calendar_id = lowest.values_list("calendar_id", flat=True).first()
        if calendar_id is None:
            return 0
        # Locked, and read again: an editor may be restoring them.
        list(Calendar.objects.select_for_update().filter(pk=calendar_id).values_list("pk"))
        keys = list(lowest.filter(calendar=calendar_id).values_list("pk", flat=True)[:_BATCH])
        return WorkItem.objects.filter(pk__in=keys).delete()[1].get(WorkItem._meta.label, 0)


def _purge_calendar(before: datetime) -> int:
    with transaction.atomic():  # locked: an owner may be restoring it
        old = Calendar.objects.select_for_update().filter(deleted_at__lt=before)
        calendar = old.order_by("deleted_at", "id").first()
        return 0 if calendar is None else calendar.delete()[1].get(Calendar._meta.label, 0)


def purge_invitations(now: datetime) -> int:
    """Delete invitations that ended more than TRASH_DAYS ago: accepted, withdrawn, or their time over. Return how many."""
    before = now - timedelta(days=conf.app.TRASH_DAYS)
    ended = Q(accepted_at__lt=before) | Q(withdrawn_at__lt=before) | Q(expires_at__lt=before)
    return Invitation.objects.filter(ended).delete()[0]


def _in_batches(delete_some: Callable[[], int]) -> int:
    total = 0
    while deleted := delete_some():
        total += deleted
    return total
