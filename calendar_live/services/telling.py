"""Announce changed rights to the receivers concerned, after commit."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import F

from ..access import owner_receivers_of, rights_changed
from ..access.receivers import Receiver
from ..models import Calendar


def tell(receivers: Iterable[Receiver]) -> None:
    """Send word after commit to everyone who sees something else than before."""
    told = [str(receiver) for receiver in receivers]

    def send() -> None:
        rights_changed.send_robust(sender=Receiver, receivers=told)

    transaction.on_commit(send, robust=True)


def tell_of_sharing(calendar_id: UUID, *, told: Iterable[Receiver] = ()) -> None:
    """Count a change of a calendar's members, invitations or links, under its lock; send word to its owners and to `told`."""
    Calendar.objects.filter(pk=calendar_id).update(sharing_version=F("sharing_version") + 1)
    tell(dict.fromkeys([*told, *owner_receivers_of(calendar_id)]))
