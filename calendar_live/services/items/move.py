"""Move work items from one calendar to another: destroyed there, upserted here, in one transaction with two change sets."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

from ... import changelog
from ...access import User, require_edit
from ...errors import Invalid, KeyReused, NotFound
from ...models import ChangeSet, WorkItem
from .rows import Written, below, digest_of, find_expected, first_written, members_of, save_assignees, written


@dataclass(frozen=True, slots=True)
class Moved:
    """The item where it is now, and the new state of the calendar it left."""

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
    """Move a work item, with everything below it, to another calendar that the actor may edit. Its own parent stays behind.

    Who is assigned but no member there stays behind, too. Raises NotFound, Forbidden, Invalid or Stale.
    """
    if calendar_id == target_id:
        raise Invalid(fields={"calendar": ["It is in this calendar already."]})
    digest = digest_of("move", calendar_id, item_id, target_id, expected_state)
    try:
        with ExitStack() as stack:
            changes = {
                key: stack.enter_context(
                    changelog.change(key, actor=actor, mutation_id=mutation_id, request_digest=digest)
                )
                for key in sorted((calendar_id, target_id))  # one order for all, or two moves could wait for each other
            }
            item = _move(changes[calendar_id], changes[target_id], actor, item_id, expected_state)
    except (changelog.AlreadyDone, KeyReused) as known:
        require_edit(actor, calendar_id)
        require_edit(actor, target_id)
        if isinstance(known, KeyReused):
            raise
        return _first_moved(known.change_set, calendar_id, target_id, item_id)
    return Moved(written(item), str(changes[calendar_id].state))


def _move(
    left: changelog.Change, entered: changelog.Change, actor: User, item_id: UUID, expected_state: str | None
) -> WorkItem:
    source, target = UUID(left.calendar), UUID(entered.calendar)
    require_edit(actor, source)
    require_edit(actor, target)
    item = find_expected(source, item_id, expected_state)
    moving = [item, *below([item])]
    members = members_of(target)
    for one in moving:
        one.calendar_id = target
        one.updated_by_id = actor.pk
        one.assignee_keys = [key for key in one.assignee_keys if key in members]
    item.parent_id = None
    left.destroy(*moving)
    entered.upsert(*moving)
    save_assignees(moving)
    return item


def _first_moved(made: ChangeSet, calendar_id: UUID, target_id: UUID, item_id: UUID) -> Moved:
    both = ChangeSet.objects.filter(
        calendar__in=(calendar_id, target_id), actor=made.actor_id, mutation_id=made.mutation_id
    )
    by_calendar = {change_set.calendar_id: change_set for change_set in both}
    if len(by_calendar) < 2:  # one of the logs has been pruned since: as if nobody remembered the request
        raise NotFound("There is no such work item that you may see.")
    return Moved(first_written(by_calendar[target_id], item_id), str(by_calendar[calendar_id].state))
