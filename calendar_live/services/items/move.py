"""Moves work items from one calendar to another, in one transaction with two change sets.

The items are destroyed in the calendar that they leave, and upserted in the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ... import changelog
from ...access import User
from ...errors import Fault, Invalid, NotFound
from ...models import ChangeSet
from .once import change_once
from .rows import Written, everything_below, find_expected, first_written, members_of, save_assignees, written


@dataclass(frozen=True, slots=True)
class Moved:
    """The item in its new calendar, and the new state of the calendar that it left."""

    written: Written
    left_state: str


def move_item(
    calendar_id: UUID,
    *,
    actor: User,
    item_id: UUID,
    target_id: UUID,
    expected_state: str | None = None,
    mutation_id: UUID | None = None,
) -> Moved:
    """Move a work item, with everything below it, to another calendar that the actor may edit.

    The item loses its parent, which stays behind. Assignees who are not active members of the other calendar are
    removed from the items. Raises NotFound, Forbidden, Invalid or Stale.
    """
    if calendar_id == target_id:
        raise Invalid(fields={"calendar": [Fault("same_calendar")]})
    return change_once(
        [calendar_id, target_id],
        actor=actor,
        mutation_id=mutation_id,
        request=("move", calendar_id, item_id, target_id, expected_state),
        do=lambda left, entered: _move(left, entered, actor, item_id, expected_state),
        again=lambda made: _first_moved(made, calendar_id, target_id, item_id),
    )


def _move(
    left: changelog.Change, entered: changelog.Change, actor: User, item_id: UUID, expected_state: str | None
) -> Moved:
    source, target = UUID(left.calendar), UUID(entered.calendar)
    item = find_expected(source, item_id, expected_state)
    moving = [item, *everything_below([item])]
    members = members_of(target)
    for one in moving:
        one.calendar_id = target
        one.updated_by_id = actor.pk
        one.assignee_keys = [key for key in one.assignee_keys if key in members]
    item.parent_id = None
    left.destroy(*moving)
    entered.upsert(*moving)
    save_assignees(moving)
    return Moved(written(item), str(left.state))


def _first_moved(made: ChangeSet, calendar_id: UUID, target_id: UUID, item_id: UUID) -> Moved:
    both = ChangeSet.objects.filter(
        calendar__in=(calendar_id, target_id), actor=made.actor_id, mutation_id=made.mutation_id
    )
    by_calendar = {change_set.calendar_id: change_set for change_set in both}
    if len(by_calendar) < 2:  # one of the logs was pruned since, so the request counts as unknown
        raise NotFound("no_item")
    return Moved(first_written(by_calendar[target_id], item_id), str(by_calendar[calendar_id].state))
