"""Runs a service that writes work items: checks rights, opens one transaction, and repeats the first answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar
from uuid import UUID

from ... import changelog
from ...access import User, require_edit
from ...errors import KeyReused
from ...models import ChangeSet
from ..receipts import digest_of

Answer = TypeVar("Answer")


def change_once(
    calendar_ids: Collection[UUID],
    *,
    actor: User,
    mutation_id: UUID | None,
    request: tuple[object, ...],
    do: Callable[..., Answer],
    again: Callable[[ChangeSet], Answer],
) -> Answer:
    """Change calendars that `actor` may edit, in one transaction, and return the answer.

    `do` gets a `changelog.Change` for each calendar, in the order of `calendar_ids`. When `mutation_id` is known,
    nothing is done again. Then `again` gets a change set of the first call, and returns the answer of that call.
    `request` tells two requests under one mutation id apart. In either case the rights are checked first.

    Raises NotFound, Forbidden, KeyReused when the mutation id came with another request, and what `do` raises.
    """
    digest = digest_of(*request)
    try:
        with ExitStack() as stack:
            changes = {
                key: stack.enter_context(
                    changelog.change(key, actor=actor, mutation_id=mutation_id, request_digest=digest)
                )
                for key in sorted(calendar_ids)  # the same order for every request, which prevents deadlocks
            }
            for key in calendar_ids:
                require_edit(actor, key)
            return do(*(changes[key] for key in calendar_ids))
    except (changelog.AlreadyDone, KeyReused) as known:
        for key in calendar_ids:
            require_edit(actor, key)
        if isinstance(known, KeyReused):
            raise
        return again(known.change_set)


def by_text(values: Mapping[UUID, Any]) -> dict[str, Any]:
    """Return a mapping with its ids as text, which a digest needs."""
    return {str(key): value for key, value in values.items()}
