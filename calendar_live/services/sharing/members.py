"""Shares a calendar with people, changes their roles, and removes them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.utils import timezone

from ...access import User, UserKey, key_of, receivers_of, standing
from ...models import Membership, Role
from ..receipts import once
from ..roles import lock, put_offer, require_owner, take_role
from ..telling import tell_of_sharing
from .invitations import Mailing, invite, mailed_before, open_invitations_to
from .people import email_address, email_of, member_key, put_role_as, refuse_members, require_active, user_named


def share(calendar_id: UUID, *, actor: User, to: str, role: Role, mutation_id: UUID | None = None) -> UserKey | Mailing:
    """Share a calendar with the person whose user name or e-mail address is `to`.

    A user who is to be an owner becomes an editor, with an offer of ownership. Return the key of the new member. For an
    address, return an invitation to mail, whether or not there is an account with that address, so that nobody learns
    which it is. Raises NotFound, Forbidden, Invalid, AlreadyMember, or TooMany if the address was sent a mail just now.
    """
    with once(actor, mutation_id, "share", calendar_id, to, role) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return _shared_before(calendar_id, doing.made)
        to = to.strip()
        lock(calendar_id)
        require_owner(actor, calendar_id)
        # A text with an @ is never read as a user name. Users choose their names freely, and a name could look like
        # somebody else's address.
        if "@" in to:
            mailing = invite(calendar_id, actor, email_address(to), role)
            doing.made = {"invitation": str(mailing.invitation.pk)}
            return mailing
        user = user_named(to)
        refuse_members(Membership.objects.filter(calendar=calendar_id, user_id=user.pk).select_related("user"))
        put_role_as(calendar_id, user.pk, Role.EDITOR if role == Role.OWNER else role, field="to")
        if role == Role.OWNER:
            put_offer(calendar_id, user.pk, by=key_of(actor), hands_over=False)
        open_invitations_to(calendar_id, email_of(user)).update(withdrawn_at=timezone.now())
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))
        doing.made = {"member": str(user.pk)}
        return key_of(user)


def _shared_before(calendar_id: UUID, made: Mapping[str, str]) -> UserKey | Mailing:
    if "member" in made:
        return member_key(calendar_id, made["member"])
    return mailed_before(calendar_id, UUID(made["invitation"]))


def change_role(calendar_id: UUID, *, actor: User, member: str, role: Role, mutation_id: UUID | None = None) -> None:
    """Offer ownership to a member, or give them another role, which ends such an offer.

    Raises NotFound, Forbidden, or Invalid for the last owner.
    """
    with once(actor, mutation_id, "change_role", calendar_id, member, role) as doing:
        # After owners have lowered their own role, they repeat the request without being owners.
        if doing.repeats(lambda: (standing if _is(actor, member) else require_owner)(actor, calendar_id)):
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        key = member_key(calendar_id, member)
        if role != Role.OWNER:
            put_role_as(calendar_id, key, role, field="role")
        elif not Membership.objects.filter(calendar=calendar_id, user_id=key, role=Role.OWNER).exists():
            require_active(key, field="role")
            put_offer(calendar_id, key, by=key_of(actor), hands_over=False)
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))


def remove(calendar_id: UUID, *, actor: User, member: str, mutation_id: UUID | None = None) -> None:
    """Remove a member from a calendar. Raises NotFound, Forbidden, or Invalid for the last owner."""
    with once(actor, mutation_id, "remove", calendar_id, member) as doing:
        if doing.repeats(lambda: _is(actor, member) or require_owner(actor, calendar_id)):
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        told = receivers_of(calendar_id)
        take_role(calendar_id, member_key(calendar_id, member))
        tell_of_sharing(calendar_id, told=told)


def _is(actor: User, member: str) -> bool:
    return str(key_of(actor)) == member


def leave(calendar_id: UUID, *, actor: User, mutation_id: UUID | None = None) -> None:
    """Leave a calendar. Raises NotFound, or Invalid for its last owner."""
    with once(actor, mutation_id, "leave", calendar_id) as doing:
        if doing.repeats():  # a user who has left needs no rights to get this answer again
            return
        lock(calendar_id)
        standing(actor, calendar_id)
        told = receivers_of(calendar_id)
        take_role(calendar_id, key_of(actor))
        tell_of_sharing(calendar_id, told=told)
