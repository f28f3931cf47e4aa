"""Announces changed rights to the receivers concerned, after commit."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F

from ..access import owner_receivers_of, rights_changed
from ..access.receivers import Receiver
from ..models import Calendar


def tell(receivers: Iterable[Receiver]) -> None:
    """Notify receivers after commit that their calendars, or their view of them, have changed."""
    told = [str(receiver) for receiver in receivers]

    def send() -> None:
        rights_changed.send_robust(sender=Receiver, receivers=told)

    transaction.on_commit(send, robust=True)


def tell_of_sharing(calendar_id: UUID, *, told: Iterable[Receiver] = ()) -> None:
    """Count a change of a calendar's members, invitations or links, and notify its owners and `told`.

    The caller holds the calendar's lock.
    """
    Calendar.objects.filter(pk=calendar_id).update(sharing_version=F("sharing_version") + 1)
    tell(dict.fromkeys([*told, *owner_receivers_of(calendar_id)]))
