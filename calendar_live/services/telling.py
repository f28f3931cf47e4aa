"""Sends word of changed rights after commit; the services that change them share it. Never decides whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from ..access import rights_changed
from ..receivers import Receiver


def tell(receivers: Iterable[Receiver]) -> None:
    """Send word after commit to everyone who sees something else than before."""
    told = [str(receiver) for receiver in receivers]

    def send() -> None:
        rights_changed.send_robust(sender=Receiver, receivers=told)

    transaction.on_commit(send, robust=True)
