"""Carries out a request only once under its `Idempotency-Key`, with a receipt in the same transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from ..access import User, key_of
from ..errors import KeyReused
from ..models import ChangeSet, Membership, Receipt


def digest_of(*request: object) -> str:
    """Return a digest that tells two requests under one idempotency key apart."""
    # This is the standard library's json, because orjson refuses large numbers and lone surrogates. The checks of the
    # fields refuse those later, and name the field.
    return hashlib.sha256(json.dumps(request, default=str, sort_keys=True).encode()).hexdigest()


@dataclass(eq=False)
class Doing:
    """A request that is being carried out, or was carried out before under the same key.

    `made`: the ids of what the request creates. The service that creates it sets them.
    """

    made: dict[str, str] = field(default_factory=dict)
    done_before: bool = False
    is_another: bool = False

    def repeats(self, require: Callable[[], object] = lambda: None) -> bool:
        """Whether this request was carried out before. If so, the caller must not carry it out again.

        `require` checks that the user may repeat the request with their current rights. What it raises comes first.
        Raises KeyReused when the key came with another request.
        """
        if self.done_before or self.is_another:
            require()
        if self.is_another:
            raise KeyReused
        return self.done_before


@contextmanager
def once(actor: User, mutation_id: UUID | None, *request: object) -> Iterator[Doing]:
    """Open a transaction for a request. With a mutation id, the first statement takes the key.

    A concurrent retry waits at that statement. The key is taken before every lock, so a request that waits for a key
    holds no lock.
    """
    with transaction.atomic():
        if mutation_id is None:
            yield Doing()
            return
        digest = digest_of(*request)
        receipt, is_new = Receipt.objects.get_or_create(
            user_id=key_of(actor), key=mutation_id, defaults={"request_digest": digest}
        )
        is_another = receipt.request_digest != digest or _wrote_items(actor, mutation_id)
        doing = Doing(receipt.made, done_before=not is_new, is_another=is_another)
        yield doing
        if is_new and doing.made:
            Receipt.objects.filter(pk=receipt.pk).update(made=doing.made)


def _wrote_items(actor: User, mutation_id: UUID) -> bool:
    """Whether a key belongs to a change set in one of the user's calendars, and so to another request."""
    mine = Membership.objects.filter(user_id=key_of(actor)).values("calendar")
    return ChangeSet.objects.filter(calendar__in=mine, actor=key_of(actor), mutation_id=mutation_id).exists()


def prune(*, before: datetime, at_most: int) -> int:
    """Delete the oldest receipts that were made before an instant, at most so many. Return how many were deleted."""
    old = Receipt.objects.filter(made_at__lt=before).order_by("made_at", "id")
    with transaction.atomic():
        # Rows that the deletion of a user has locked are skipped until the next time.
        free = old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_most]
        return Receipt.objects.filter(pk__in=list(free)).delete()[0]
