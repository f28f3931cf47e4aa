"""Changes some fields of one work item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ...access import User
from .once import change_once
from .rows import Written, edit_row, first_written, written


def update_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    changes: Mapping[str, Any],
    expected_state: str | None,
    mutation_id: UUID | None = None,
) -> Written:
    """Change some fields of a work item.

    Raises NotFound, Forbidden, Invalid, or Stale unless the item is at `expected_state` (None: any).
    """
    return change_once(
        [calendar_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("update", item_id, changes, expected_state),
        do=lambda change: written(edit_row(change, calendar_id, actor, item_id, changes, expected_state)),
        again=lambda made: first_written(made, item_id),
    )
