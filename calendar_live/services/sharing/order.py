"""Puts a user's calendars in the user's own order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from ...access import User, key_of, receiver_of
from ...errors import Fault, Invalid
from ...models import Calendar, Membership
from ..receipts import once
from ..telling import tell


def set_order(calendar_ids: Sequence[UUID], *, actor: User, mutation_id: UUID | None = None) -> None:
    """Put the actor's calendars in this order. Those that are not named follow, in their old order. Raises Invalid."""
    with once(actor, mutation_id, "set_order", calendar_ids) as doing:
        if doing.repeats():
            return
        mine = Membership.objects.filter(user_id=key_of(actor), calendar__deleted_at=None)
        # Calendars are locked first, as in every transaction. Otherwise two requests that change the same memberships
        # could deadlock.
        keys = list(mine.values_list("calendar_id", flat=True))
        list(Calendar.objects.select_for_update().filter(pk__in=keys).order_by("id").values_list("pk"))
        known = {one.calendar_id: one for one in mine.order_by("position", "calendar__created_at", "calendar_id")}
        if len(set(calendar_ids)) < len(calendar_ids) or not known.keys() >= set(calendar_ids):
            raise Invalid(fields={"ids": [Fault("not_own_calendars")]})
        named = [known.pop(one) for one in calendar_ids]
        for position, membership in enumerate([*named, *known.values()]):
            membership.position = position
        Membership.objects.bulk_update([*named, *known.values()], ["position"])
        tell([receiver_of(actor)])
