"""Run a service that writes work items: rights, one transaction, and the first answer to a repeated request."""

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

    `do` gets a `changelog.Change` for each calendar, in the order given. When `mutation_id` is known, nothing is done
    again: `again` gets the first calendar's change set and returns the answer of the first call. `request` tells two
    requests under one mutation id apart. Rights come first in either case.

    Raises NotFound, Forbidden, KeyReused when the mutation id came with another request, and whatever `do` raises.
    """
    digest = digest_of(*request)
    try:
        with ExitStack() as stack:
            changes = {
                key: stack.enter_context(
                    changelog.change(key, actor=actor, mutation_id=mutation_id, request_digest=digest)
                )
                for key in sorted(calendar_ids)  # in one order for all, or two requests could wait for each other
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
    """Return a mapping with its ids as text, as a digest needs them."""
    return {str(key): value for key, value in values.items()}
