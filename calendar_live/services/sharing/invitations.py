"""Invites people by e-mail: creates, renews, withdraws and accepts invitations. The caller mails them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ... import conf
from ...access import User, UserKey, key_of, receivers_of
from ...errors import Fault, Invalid, NotFound, TooMany
from ...models import Invitation, Membership, Role
from ..accounts import create_account
from ..receipts import once
from ..roles import lock, owners, put_role, require_owner
from ..telling import tell_of_sharing
from .people import members_of_address, refuse_members

_RANK: Final = {Role.FREEBUSY: 0, Role.VIEWER: 1, Role.EDITOR: 2, Role.OWNER: 3}
_TOKEN_BYTES: Final = 32  # nobody can guess 256 random bits, so a plain hash of a token is enough


@dataclass(frozen=True, slots=True)
class Mailing:
    """An invitation to mail, with its token. The token is empty if the invitation was mailed before.

    No token is stored, so the caller must mail it now.
    """

    invitation: Invitation
    token: str = field(repr=False, compare=False)


def pending(calendar_id: UUID) -> QuerySet[Invitation]:
    """Return the open invitations of a calendar that have not expired, oldest first."""
    return open_invitations(calendar_id).filter(expires_at__gt=timezone.now()).select_related("invited_by")


def send_again(calendar_id: UUID, *, actor: User, invitation_id: UUID, mutation_id: UUID | None = None) -> Mailing:
    """Give an invitation a new link and a new expiry. The old link ends. Raises NotFound, Forbidden or TooMany."""
    with once(actor, mutation_id, "send_again", calendar_id, invitation_id) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return mailed_before(calendar_id, invitation_id)
        lock(calendar_id)
        require_owner(actor, calendar_id)
        invitation = _find_open(calendar_id, invitation_id)
        return _mailing(invitation, actor, Role(invitation.role))


def mailed_before(calendar_id: UUID, invitation_id: UUID) -> Mailing:
    return Mailing(_find_open(calendar_id, invitation_id), token="")


def mark_mailed(invitation_id: UUID, *, token: str) -> None:
    """Record that an invitation was mailed, unless it has another link by now."""
    mailed = Invitation.objects.filter(pk=invitation_id, token_hash=_hash(token))
    with transaction.atomic():
        for calendar_id in mailed.values_list("calendar_id", flat=True):
            lock(calendar_id)
            mailed.update(mailed_at=timezone.now())
            tell_of_sharing(calendar_id)


def withdraw(calendar_id: UUID, *, actor: User, invitation_id: UUID, mutation_id: UUID | None = None) -> None:
    """Withdraw an invitation. Raises NotFound or Forbidden."""
    with once(actor, mutation_id, "withdraw", calendar_id, invitation_id) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        invitation = _find_open(calendar_id, invitation_id)
        Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=timezone.now())
        tell_of_sharing(calendar_id)


def find_invitation(token: str) -> Invitation:
    """Return the invitation that can be accepted with a token now, with its calendar. Raises NotFound.

    An invitation cannot be accepted if the user who sent it no longer owns the calendar.
    """
    found = Invitation.objects.filter(token_hash=_hash(token), accepted_at=None, withdrawn_at=None)
    invitation = found.filter(expires_at__gt=timezone.now(), calendar__deleted_at=None).select_related(
        "calendar", "invited_by"
    )
    for one in invitation:
        if one.invited_by_id is not None and owners(one.calendar_id).filter(user_id=one.invited_by_id).exists():
            return one
    raise NotFound("invitation_gone")


def accept(token: str, *, user: User) -> UUID:
    """Make a user a member by an invitation, which works once. Return the calendar's id. Raises NotFound or Invalid.

    An invitation never lowers a role that the user already has.
    """
    with transaction.atomic():
        invitation = _lock_invitation(token)
        return _accept(invitation, key_of(user))


def accept_as_new(token: str, *, username: str, name: str, password: str) -> AbstractBaseUser:
    """Create an account with the address of an invitation, and make its user a member. Raises NotFound or Invalid."""
    with transaction.atomic():
        invitation = _lock_invitation(token)
        user = create_account(username, name=name, email=invitation.email, password=password)
        _accept(invitation, user.pk)
        return user


def _lock_invitation(token: str) -> Invitation:
    """Return an invitation that nobody else can accept until the transaction ends, because its calendar is locked.

    The calendar is locked first, as in every transaction, and then the invitation is read again.
    """
    lock(find_invitation(token).calendar_id)
    return find_invitation(token)


def _accept(invitation: Invitation, key: UserKey) -> UUID:
    calendar_id = invitation.calendar_id
    if _role_kept(invitation, key) is None:
        put_role(calendar_id, key, Role(invitation.role))
    Invitation.objects.filter(pk=invitation.pk).update(accepted_at=timezone.now())
    tell_of_sharing(calendar_id, told=receivers_of(calendar_id))
    return calendar_id


def role_kept(invitation: Invitation, *, user: User) -> Role | None:
    """Return the role that a user already has, or None if they have none or the invitation gives a higher one."""
    return _role_kept(invitation, key_of(user))


def _role_kept(invitation: Invitation, key: UserKey) -> Role | None:
    roles = Membership.objects.filter(calendar=invitation.calendar_id, user_id=key).values_list("role", flat=True)
    had = [Role(role) for role in roles]
    return had[0] if had and _RANK[had[0]] >= _RANK[Role(invitation.role)] else None


def invite(calendar_id: UUID, actor: User, email: str, role: Role) -> Mailing:
    if role == Role.OWNER:
        raise Invalid(fields={"role": [Fault("owner_by_mail")]})
    refuse_members(members_of_address(calendar_id, email))  # the owners see these addresses in the list of members
    known = open_invitations_to(calendar_id, email).first()
    if known is None:
        _refuse_too_many(calendar_id, actor)
    return _mailing(known or Invitation(calendar_id=calendar_id, email=email), actor, role)


def _mailing(invitation: Invitation, actor: User, role: Role) -> Mailing:
    """Save an invitation with a new link. The caller holds the calendar's lock. Raises TooMany."""
    now = timezone.now()
    pause = conf.app.INVITATION_PAUSE_SECONDS
    if invitation.mailed_at is not None and invitation.mailed_at > now - timedelta(seconds=pause):
        raise TooMany("mailed_just_now", retry_after_seconds=pause, seconds=pause)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    invitation.role = role
    invitation.token_hash = _hash(token)
    invitation.invited_by_id = actor.pk
    invitation.expires_at = now + timedelta(days=conf.app.INVITATION_DAYS)
    invitation.mailed_at = None
    invitation.save()
    tell_of_sharing(invitation.calendar_id)
    return Mailing(invitation, token)


def _refuse_too_many(calendar_id: UUID, actor: User) -> None:
    most = conf.app.MAX_INVITATIONS
    today = Invitation.objects.filter(invited_by__pk=key_of(actor), created_at__gt=timezone.now() - timedelta(days=1))
    if pending(calendar_id).count() >= most or today.count() >= most:
        raise Invalid(fields={"to": [Fault("invitations_full", limit=most)]})


def open_invitations(calendar_id: UUID) -> QuerySet[Invitation]:
    return Invitation.objects.filter(calendar=calendar_id, accepted_at=None, withdrawn_at=None)


def open_invitations_to(calendar_id: UUID, email: str) -> QuerySet[Invitation]:
    return open_invitations(calendar_id).filter(email=email.lower())


def _find_open(calendar_id: UUID, invitation_id: UUID) -> Invitation:
    found = open_invitations(calendar_id).filter(pk=invitation_id).select_related("invited_by").first()
    if found is None:
        raise NotFound("invitation_gone")
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
