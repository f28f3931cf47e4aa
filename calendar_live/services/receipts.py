"""Do a request only once under its `Idempotency-Key`, with a receipt in the same transaction."""

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
    """Return what tells two requests under one idempotency key apart."""
    # The standard library's: orjson refuses large numbers and lone surrogates, which are for the checks to refuse by field.
    return hashlib.sha256(json.dumps(request, default=str, sort_keys=True).encode()).hexdigest()


@dataclass(eq=False)
class Doing:
    """A request that is being done, or was done before under its key. `made`: ids of what it made, to be set by who makes it."""

    made: dict[str, str] = field(default_factory=dict)
    done_before: bool = False
    is_another: bool = False

    def repeats(self, require: Callable[[], object] = lambda: None) -> bool:
        """Whether this was done before: then it is not done again. `require` asks what is asked of who repeats it, by their rights of now.

        Raises KeyReused when the key came with another request; what `require` raises comes first.
        """
        if self.done_before or self.is_another:
            require()
        if self.is_another:
            raise KeyReused
        return self.done_before


@contextmanager
def once(actor: User, mutation_id: UUID | None, *request: object) -> Iterator[Doing]:
    """Open a transaction for a request; with a mutation id, its first statement takes the key, and a concurrent retry waits there.

    The key comes before every lock: who waits for one holds none.
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
    """Whether a key is that of a change set, in a calendar of theirs: another request, whatever it was."""
    mine = Membership.objects.filter(user_id=key_of(actor)).values("calendar")
    return ChangeSet.objects.filter(calendar__in=mine, actor=key_of(actor), mutation_id=mutation_id).exists()


def prune(*, before: datetime, at_most: int) -> int:
    """Delete receipts made before an instant, the oldest, at most so many. Return how many."""
    old = Receipt.objects.filter(made_at__lt=before).order_by("made_at", "id")
    with transaction.atomic():
        # What the deletion of a user holds is left for the next time.
        free = old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_most]
        return Receipt.objects.filter(pk__in=list(free)).delete()[0]
