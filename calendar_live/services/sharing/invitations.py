"""Share a calendar with exactly whom one means: members, invitations, ownership, and one's own order. Never sends a mail itself."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from ... import conf
from ...access import User, UserKey, display_name, key_of, receiver_of, receivers_of, standing
from ...errors import AlreadyMember, Invalid, NotFound, TooMany
from ...models import Calendar, Invitation, Membership, Role
from ..accounts import create_account
from ..items.fields import is_text
from ..receipts import once
from ..roles import end_offer_to, lock, members, owners, put_offer, put_role, require_owner, take_role
from ..telling import tell, tell_of_sharing

_RANK: Final = {Role.FREEBUSY: 0, Role.VIEWER: 1, Role.EDITOR: 2, Role.OWNER: 3}
_TOKEN_BYTES: Final = 32  # 256 random bits: nobody guesses one, so a plain hash of it is enough
_GONE: Final = "There is no such invitation: it was used or withdrawn, or its time is over."


@dataclass(frozen=True, slots=True)
class Mailing:
    """An invitation and its token, which is kept nowhere: now is the time to mail it. Empty: it was mailed before."""

    invitation: Invitation
    token: str = field(repr=False, compare=False)


# --- members ---------------------------------------------------------------------------------------------------------


def share(calendar_id: UUID, *, actor: User, to: str, role: Role, mutation_id: UUID | None = None) -> UserKey | Mailing:
    """Share a calendar with whoever `to` names: a user name, or an e-mail address.

    Whoever is to be an owner becomes an editor who is offered that. Return the key of the new member; of an address, an invitation
    to mail, whether or not an account is behind it: nobody learns that. Raises NotFound, Forbidden, Invalid, AlreadyMember, or TooMany
    when the address was written to just now.
    """
    with once(actor, mutation_id, "share", calendar_id, to, role) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return _shared_before(calendar_id, doing.made)
        to = to.strip()
        lock(calendar_id)
        require_owner(actor, calendar_id)
        # Never a user's name that looks like somebody else's address: names are chosen freely, mailboxes are not.
        if "@" in to:
            mailing = _invite(calendar_id, actor, _address(to), role)
            doing.made = {"invitation": str(mailing.invitation.pk)}
            return mailing
        user = _user_named(to)
        _refuse_members(Membership.objects.filter(calendar=calendar_id, user_id=user.pk).select_related("user"))
        _put(calendar_id, user.pk, Role.EDITOR if role == Role.OWNER else role, field="to")
        if role == Role.OWNER:
            put_offer(calendar_id, user.pk, by=key_of(actor), hands_over=False)
        _open_to(calendar_id, _email_of(user)).update(withdrawn_at=timezone.now())
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))
        doing.made = {"member": str(user.pk)}
        return key_of(user)


def _shared_before(calendar_id: UUID, made: Mapping[str, str]) -> UserKey | Mailing:
    if "member" in made:
        return _member(calendar_id, made["member"])
    return _mailed_before(calendar_id, UUID(made["invitation"]))


def change_role(calendar_id: UUID, *, actor: User, member: str, role: Role, mutation_id: UUID | None = None) -> None:
    """Offer a member to be an owner, or give them another role, which ends such an offer.

    Raises NotFound, Forbidden, or Invalid for the last owner.
    """
    with once(actor, mutation_id, "change_role", calendar_id, member, role) as doing:
        # One's own role is what it was done by: nobody repeats it as an owner.
        if doing.repeats(lambda: (standing if _is(actor, member) else require_owner)(actor, calendar_id)):
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        key = _member(calendar_id, member)
        if role != Role.OWNER:
            _put(calendar_id, key, role, field="role")
        elif not Membership.objects.filter(calendar=calendar_id, user_id=key, role=Role.OWNER).exists():
            _require_active(key, field="role")
            put_offer(calendar_id, key, by=key_of(actor), hands_over=False)
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))


def remove(calendar_id: UUID, *, actor: User, member: str, mutation_id: UUID | None = None) -> None:
    """Take a member out of a calendar. Raises NotFound, Forbidden, or Invalid for the last owner."""
    with once(actor, mutation_id, "remove", calendar_id, member) as doing:
        if doing.repeats(lambda: _is(actor, member) or require_owner(actor, calendar_id)):
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        told = receivers_of(calendar_id)
        take_role(calendar_id, _member(calendar_id, member))
        tell_of_sharing(calendar_id, told=told)


def _is(actor: User, member: str) -> bool:
    return str(key_of(actor)) == member


def leave(calendar_id: UUID, *, actor: User, mutation_id: UUID | None = None) -> None:
    """Leave a calendar. Raises NotFound, or Invalid for its last owner."""
    with once(actor, mutation_id, "leave", calendar_id) as doing:
        if doing.repeats():  # whoever has left needs no right to be told so
            return
        lock(calendar_id)
        standing(actor, calendar_id)
        told = receivers_of(calendar_id)
        take_role(calendar_id, key_of(actor))
        tell_of_sharing(calendar_id, told=told)


def transfer(calendar_id: UUID, *, actor: User, to: str, mutation_id: UUID | None = None) -> None:
    """Offer a member to be the owner in one's place: oneself becomes an editor when they accept. Raises NotFound, Forbidden, or Invalid."""
    with once(actor, mutation_id, "transfer", calendar_id, to) as doing:
        if doing.repeats(lambda: standing(actor, calendar_id)):  # the right to it is what was handed over
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        put_offer(calendar_id, _heir(calendar_id, to, actor), by=key_of(actor), hands_over=True)
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))


def answer_offer(calendar_id: UUID, *, actor: User, accept: bool, mutation_id: UUID | None = None) -> Role:
    """Accept ownership that one was offered, or decline it. Return one's role. Raises NotFound when there is no offer any more.

    Where it was handed over, who offered it is an editor from then on, and their open invitations are one's own.
    """
    with once(actor, mutation_id, "answer_offer", calendar_id, accept) as doing:
        if doing.repeats(lambda: standing(actor, calendar_id)):
            return Role(standing(actor, calendar_id).role)
        lock(calendar_id)
        standing(actor, calendar_id)
        mine = Membership.objects.get(calendar=calendar_id, user_id=key_of(actor))
        by, hands_over = mine.offered_by_id, mine.hands_over
        if by is None or not owners(calendar_id).filter(user_id=by).exists():
            raise NotFound("There is no offer to you any more: it was withdrawn, or answered.")
        end_offer_to(calendar_id, mine.user_id)
        if accept:
            put_role(calendar_id, mine.user_id, Role.OWNER)
        if accept and hands_over:
            _open(calendar_id).filter(invited_by__pk=by).update(invited_by_id=mine.user_id)
            put_role(calendar_id, by, Role.EDITOR)
        tell_of_sharing(calendar_id, told=receivers_of(calendar_id))
        return Role.OWNER if accept else Role(mine.role)


def _heir(calendar_id: UUID, to: str, actor: User) -> UserKey:
    try:
        heir = _member(calendar_id, to)
    except NotFound as failure:
        raise Invalid(fields={"to": ["Must be a member of this calendar."]}) from failure
    if heir == key_of(actor):
        raise Invalid(fields={"to": ["This is you."]})
    _require_active(heir, field="to")
    return heir


def _require_active(key: UserKey, *, field: str) -> None:
    if not get_user_model()._default_manager.filter(pk=key, is_active=True).exists():
        raise Invalid(fields={field: ["Must be somebody whose account is active."]})


def _member(calendar_id: UUID, text: str) -> UserKey:
    """Return the key of a member by its text. Raises NotFound."""
    found = [key for key in members(calendar_id) if str(key) == text]
    if not found:
        raise NotFound("There is no such member of this calendar.")
    return found[0]


def _put(calendar_id: UUID, key: UserKey, role: Role, *, field: str) -> None:
    try:
        put_role(calendar_id, key, role)
    except Invalid as failure:  # the caller named the member in a field of its own
        raise Invalid(fields={field: failure.fields["member"]}) from failure


def _refuse_members(found: Iterable[Membership]) -> None:
    for mine in found:
        raise AlreadyMember(f"{display_name(mine.user)} is in this calendar already, as {mine.get_role_display()}.")


def _members_of_address(calendar_id: UUID, email: str) -> list[Membership]:
    """Return the members whom the calendar's owners see under an address."""
    field = get_user_model().get_email_field_name()
    alike = Membership.objects.filter(calendar=calendar_id, **{f"user__{field}__iexact": email}).select_related("user")
    # Databases fold case in their own ways: what is not the same to us is somebody else's.
    return [one for one in alike if _email_of(one.user) == email]


def _user_named(name: str) -> AbstractBaseUser:
    """Return the active user of a name: exactly so, or else the only one it names whatever the case. Raises Invalid."""
    model = get_user_model()
    alike = model._default_manager.filter(**{f"{model.USERNAME_FIELD}__iexact": name}, is_active=True)
    found = list(alike) if is_text(name) else []  # PostgreSQL takes no other
    found = [user for user in found if user.get_username() == name] or found
    if len(found) != 1:
        reason = "There is nobody of this name." if not found else "Several people have this name: mind its capitals."
        raise Invalid(fields={"to": [f"{reason} Somebody without an account is invited by e-mail."]})
    return found[0]


def _email_of(user: AbstractBaseUser) -> str:
    return str(getattr(user, user.get_email_field_name()) or "").lower()


def _address(text: str) -> str:
    """Return an e-mail address, case folded. Raises Invalid. ASCII only: of letters that look alike, one could be another's."""
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Invalid(fields={"to": ["Must be a user name or an e-mail address."]}) from error
    if not (email.isascii() and email.isprintable()) or len(email) > 254:
        raise Invalid(fields={"to": ["Must be an e-mail address in printable ASCII, of at most 254 characters."]})
    return email


# --- invitations -----------------------------------------------------------------------------------------------------


def pending(calendar_id: UUID) -> QuerySet[Invitation]:
    """Return the invitations of a calendar that still open something, oldest first."""
    return _open(calendar_id).filter(expires_at__gt=timezone.now()).select_related("invited_by")


def send_again(calendar_id: UUID, *, actor: User, invitation_id: UUID, mutation_id: UUID | None = None) -> Mailing:
    """Give an invitation a new link and a new expiry; the old link ends. Raises NotFound, Forbidden or TooMany."""
    with once(actor, mutation_id, "send_again", calendar_id, invitation_id) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return _mailed_before(calendar_id, invitation_id)
        lock(calendar_id)
        require_owner(actor, calendar_id)
        invitation = _find_open(calendar_id, invitation_id)
        return _mailing(invitation, actor, Role(invitation.role))


def _mailed_before(calendar_id: UUID, invitation_id: UUID) -> Mailing:
    return Mailing(_find_open(calendar_id, invitation_id), token="")


def mark_mailed(invitation_id: UUID, *, token: str) -> None:
    """Note that an invitation was mailed, unless it has another link by now."""
    mailed = Invitation.objects.filter(pk=invitation_id, token_hash=_hash(token))
    with transaction.atomic():
        for calendar_id in mailed.values_list("calendar_id", flat=True):
            lock(calendar_id)
            mailed.update(mailed_at=timezone.now())
            tell_of_sharing(calendar_id)


def withdraw(calendar_id: UUID, *, actor: User, invitation_id: UUID, mutation_id: UUID | None = None) -> None:
    """End an invitation. Raises NotFound or Forbidden."""
    with once(actor, mutation_id, "withdraw", calendar_id, invitation_id) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return
        lock(calendar_id)
        require_owner(actor, calendar_id)
        invitation = _find_open(calendar_id, invitation_id)
        Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=timezone.now())
        tell_of_sharing(calendar_id)


def find_invitation(token: str) -> Invitation:
    """Return the invitation that a token opens now, with its calendar. Raises NotFound.

    An invitation by somebody who does not own the calendar any more opens nothing.
    """
    found = Invitation.objects.filter(token_hash=_hash(token), accepted_at=None, withdrawn_at=None)
    invitation = found.filter(expires_at__gt=timezone.now(), calendar__deleted_at=None).select_related(
        "calendar", "invited_by"
    )
    for one in invitation:
        if one.invited_by_id is not None and owners(one.calendar_id).filter(user_id=one.invited_by_id).exists():
            return one
    raise NotFound(_GONE)


def accept(token: str, *, user: User) -> UUID:
    """Become a member by an invitation, once; a role one has is never lowered by it. Return the calendar. Raises NotFound or Invalid."""
    with transaction.atomic():
        invitation = _lock_invitation(token)
        return _accept(invitation, key_of(user))


def accept_as_new(token: str, *, username: str, name: str, password: str) -> AbstractBaseUser:
    """Become a member by an invitation with a new account of its address. Raises NotFound or Invalid."""
    with transaction.atomic():
        invitation = _lock_invitation(token)
        user = create_account(username, name=name, email=invitation.email, password=password)
        _accept(invitation, user.pk)
        return user


def _lock_invitation(token: str) -> Invitation:
    """Return an invitation, and nobody else gets it until the transaction ends: calendars are locked first."""
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
    """Return the role a user has already, if an invitation gives them no higher one."""
    return _role_kept(invitation, key_of(user))


def _role_kept(invitation: Invitation, key: UserKey) -> Role | None:
    roles = Membership.objects.filter(calendar=invitation.calendar_id, user_id=key).values_list("role", flat=True)
    had = [Role(role) for role in roles]
    return had[0] if had and _RANK[had[0]] >= _RANK[Role(invitation.role)] else None


def _invite(calendar_id: UUID, actor: User, email: str, role: Role) -> Mailing:
    if role == Role.OWNER:
        raise Invalid(fields={"role": ["An owner must be a member first: invite them as an editor."]})
    _refuse_members(_members_of_address(calendar_id, email))  # their owners see so anyway, in the list of members
    known = _open_to(calendar_id, email).first()
    if known is None:
        _refuse_too_many(calendar_id, actor)
    return _mailing(known or Invitation(calendar_id=calendar_id, email=email), actor, role)


def _mailing(invitation: Invitation, actor: User, role: Role) -> Mailing:
    """Save an invitation with a new link, under the calendar's lock."""
    now = timezone.now()
    pause = conf.number("INVITATION_PAUSE_SECONDS")
    if invitation.mailed_at is not None and invitation.mailed_at > now - timedelta(seconds=pause):
        refusal = f"This invitation was mailed just now. Wait {pause} seconds before it is sent again."
        raise TooMany(refusal, retry_after_seconds=pause)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    invitation.role = role
    invitation.token_hash = _hash(token)
    invitation.invited_by_id = actor.pk
    invitation.expires_at = now + timedelta(days=conf.number("INVITATION_DAYS"))
    invitation.mailed_at = None
    invitation.save()
    tell_of_sharing(invitation.calendar_id)
    return Mailing(invitation, token)


def _refuse_too_many(calendar_id: UUID, actor: User) -> None:
    most = conf.number("MAX_INVITATIONS")
    today = Invitation.objects.filter(invited_by__pk=key_of(actor), created_at__gt=timezone.now() - timedelta(days=1))
    if pending(calendar_id).count() >= most or today.count() >= most:
        raise Invalid(fields={"to": [f"At most {most} invitations can be open, and made in a day."]})


def _open(calendar_id: UUID) -> QuerySet[Invitation]:
    return Invitation.objects.filter(calendar=calendar_id, accepted_at=None, withdrawn_at=None)


def _open_to(calendar_id: UUID, email: str) -> QuerySet[Invitation]:
    return _open(calendar_id).filter(email=email.lower())


def _find_open(calendar_id: UUID, invitation_id: UUID) -> Invitation:
    found = _open(calendar_id).filter(pk=invitation_id).select_related("invited_by").first()
    if found is None:
        raise NotFound(_GONE)
    return found


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# --- one's own order -------------------------------------------------------------------------------------------------


def set_order(calendar_ids: Sequence[UUID], *, actor: User, mutation_id: UUID | None = None) -> None:
    """Put one's calendars in an order of one's own; those not named follow, in the order they had. Raises Invalid."""
    with once(actor, mutation_id, "set_order", calendar_ids) as doing:
        if doing.repeats():
            return
        mine = Membership.objects.filter(user_id=key_of(actor), calendar__deleted_at=None)
        # Calendars first, as everywhere: else two who change the same memberships could wait for each other.
        keys = list(mine.values_list("calendar_id", flat=True))
        list(Calendar.objects.select_for_update().filter(pk__in=keys).order_by("id").values_list("pk"))
        known = {one.calendar_id: one for one in mine.order_by("position", "calendar__created_at", "calendar_id")}
        if len(set(calendar_ids)) < len(calendar_ids) or not known.keys() >= set(calendar_ids):
            raise Invalid(fields={"ids": ["Must be calendars of yours, each once."]})
        named = [known.pop(one) for one in calendar_ids]
        for position, membership in enumerate([*named, *known.values()]):
            membership.position = position
        Membership.objects.bulk_update([*named, *known.values()], ["position"])
        tell([receiver_of(actor)])
