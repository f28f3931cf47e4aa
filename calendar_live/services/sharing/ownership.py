"""Offers the ownership of a calendar to a member, and accepts or declines such an offer."""

from __future__ import annotations

from uuid import UUID

from ...access import User, UserKey, key_of, receivers_of, standing
from ...errors import Fault, Invalid, NotFound
from ...models import Membership, Role
from ..receipts import once
from ..roles import end_offer_to, lock, owners, put_offer, put_role, require_owner
from ..telling import tell_of_sharing
from .invitations import open_invitations
from .people import member_key, require_active


def transfer(calendar_id: UUID, *, actor: User, to: str, mutation_id: UUID | None = None) -> None:
    """Offer a member to become an owner in the actor's place. The actor becomes an editor when the member accepts.

    Raises NotFound, Forbidden or Invalid.
    """
    with once(actor, mutation_id, "transfer", calendar_id, to) as doing:
        if doing.repeats(lambda: standing(actor, calendar_id)):  # ownership may have been handed over since
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        put_offer(calendar_id, _heir(calendar_id, to, actor), by=key_of(actor), hands_over=True)
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))


def answer_offer(calendar_id: UUID, *, actor: User, accept: bool, mutation_id: UUID | None = None) -> Role:
    """Accept or decline an offer of ownership. Return the actor's role. Raises NotFound if there is no offer any more.

    When a calendar that is handed over is accepted, the owner who offered it becomes an editor, and the actor takes
    over that owner's open invitations.
    """
    with once(actor, mutation_id, "answer_offer", calendar_id, accept) as doing:
        if doing.repeats(lambda: standing(actor, calendar_id)):
            return Role(standing(actor, calendar_id).role)
        lock(calendar_id)
        standing(actor, calendar_id)
        mine = Membership.objects.get(calendar=calendar_id, user_id=key_of(actor))
        by, hands_over = mine.offered_by_id, mine.hands_over
        if by is None or not owners(calendar_id).filter(user_id=by).exists():
            raise NotFound("offer_gone")
        end_offer_to(calendar_id, mine.user_id)
        if accept:
            put_role(calendar_id, mine.user_id, Role.OWNER)
        if accept and hands_over:
            open_invitations(calendar_id).filter(invited_by__pk=by).update(invited_by_id=mine.user_id)
            put_role(calendar_id, by, Role.EDITOR)
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))
        return Role.OWNER if accept else Role(mine.role)


def _heir(calendar_id: UUID, to: str, actor: User) -> UserKey:
    try:
        heir = member_key(calendar_id, to)
    except NotFound as failure:
        raise Invalid(fields={"to": [Fault("not_a_member")]}) from failure
    if heir == key_of(actor):
        raise Invalid(fields={"to": [Fault("yourself")]})
    require_active(heir, field="to")
    return heir
