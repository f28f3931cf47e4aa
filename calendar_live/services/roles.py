"""Gives and takes away roles in a calendar, under the calendar's lock."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from .. import access, changelog, conf
from ..access import Standing, User, UserKey, receivers_of
from ..errors import Fault, Forbidden, Invalid, NotFound
from ..models import Assignment, Calendar, Invitation, Membership, PublicLink, Role, WorkItem
from .telling import tell_of_sharing


def lock(calendar_id: UUID) -> None:
    """Keep others from changing a calendar or its members until the transaction ends. Raises NotFound.

    The changelog takes the same lock when it raises a calendar's revision. Every transaction takes this lock before any
    other, and takes several of them in ascending order of the calendars' ids.
    """
    if not Calendar.objects.select_for_update().filter(pk=calendar_id).values_list("pk"):
        raise NotFound("no_calendar")


def lock_user(key: UserKey) -> bool:
    """Keep a user from being deleted, and from becoming a member of any calendar, until the transaction ends.

    Return whether the user exists. Every transaction locks users after calendars. Inserts of rows that refer to the
    user do not wait for this lock.
    """
    rows = get_user_model()._default_manager.select_for_update(no_key=True).filter(pk=key)
    return bool(rows.values_list("pk"))


def require_owner(actor: User, calendar_id: UUID) -> Standing:
    """Return a user's standing in a calendar that they own. Raises NotFound or Forbidden."""
    standing = access.standing(actor, calendar_id)
    if standing.role != Role.OWNER:
        raise Forbidden("owners_only")
    return standing


def owners(calendar_id: UUID) -> QuerySet[Membership]:
    """Return the owners whose accounts are active. No other owner can do anything."""
    return Membership.objects.filter(calendar=calendar_id, role=Role.OWNER, user__is_active=True)


def members(calendar_id: UUID) -> list[UserKey]:
    """Return the keys of a calendar's members."""
    return list(Membership.objects.filter(calendar=calendar_id).values_list("user_id", flat=True))


def put_role(calendar_id: UUID, key: UserKey, role: Role) -> None:
    """Give a user a role, in place of any role they had.

    Raises Invalid if the calendar would lose its last owner, if it has too many members, or if the account was deleted.
    """
    mine = Membership.objects.filter(calendar=calendar_id, user_id=key)
    if role != Role.OWNER:
        _require_other_owner(calendar_id, key)
        _end_invitations_by(calendar_id, key)
        _end_offers_by(calendar_id, key)
    if not mine.exists():
        _add(calendar_id, key, role)
    mine.exclude(role=role).update(role=role, version=F("version") + 1)
    end_offer_to(calendar_id, key)


def _add(calendar_id: UUID, key: UserKey, role: Role) -> None:
    most = conf.app.MAX_MEMBERS
    if Membership.objects.filter(calendar=calendar_id).count() >= most:
        raise Invalid(fields={"member": [Fault("members_full", limit=most)]})
    if not lock_user(key):
        raise Invalid(fields={"member": [Fault("account_deleted")]})
    floor = Calendar.objects.values_list("access_floor", flat=True).get(pk=calendar_id)
    last = Membership.objects.filter(user_id=key).aggregate(last=Max("position"))["last"]
    Membership.objects.create(
        calendar_id=calendar_id,
        user_id=key,
        role=role,
        version=floor + 1,
        position=0 if last is None else last + 1,  # at the end of the user's own order
    )


def take_role(calendar_id: UUID, key: UserKey) -> None:
    """Take a user's role away, and remove them from the calendar's items. Raises Invalid for the last owner."""
    _require_other_owner(calendar_id, key)
    for membership in Membership.objects.filter(calendar=calendar_id, user_id=key):
        below = Calendar.objects.filter(pk=calendar_id, access_floor__lt=membership.version)
        below.update(access_floor=membership.version)
        membership.delete()
        _end_invitations_by(calendar_id, key)
        _end_offers_by(calendar_id, key)
        _unassign(calendar_id, key)


def put_offer(calendar_id: UUID, key: UserKey, *, by: UserKey, hands_over: bool) -> None:
    """Offer ownership to a member, in place of any earlier offer."""
    mine = Membership.objects.filter(calendar=calendar_id, user_id=key)
    mine.update(offered_by_id=by, hands_over=hands_over)


def end_offer_to(calendar_id: UUID, key: UserKey) -> None:
    """End the offer of ownership to a member, whether or not it was accepted."""
    offered = Membership.objects.filter(calendar=calendar_id, user_id=key, offered_by__isnull=False)
    offered.update(offered_by=None, hands_over=False)


def _end_offers_by(calendar_id: UUID, key: UserKey) -> None:
    Membership.objects.filter(calendar=calendar_id, offered_by__pk=key).update(offered_by=None, hands_over=False)


def put_in_trash(calendar_id: UUID) -> None:
    """Delete a calendar softly, within a change of it. The caller checks the rights."""
    now = timezone.now()
    Calendar.objects.filter(pk=calendar_id).update(deleted_at=now)
    # Its links end for good: a calendar that is restored from the trash must not become public again by itself.
    PublicLink.objects.filter(calendar=calendar_id, withdrawn_at=None).update(withdrawn_at=now)
    tell_of_sharing(calendar_id, told=receivers_of(calendar_id))


def _require_other_owner(calendar_id: UUID, key: UserKey) -> None:
    is_owner = Membership.objects.filter(calendar=calendar_id, role=Role.OWNER, user_id=key).exists()
    if is_owner and not owners(calendar_id).exclude(user_id=key).exists():
        raise Invalid(fields={"member": [Fault("last_owner")]})


def _end_invitations_by(calendar_id: UUID, key: UserKey) -> None:
    """Withdraw the invitations of a user who may not invite any more. Otherwise they could keep a way back in."""
    sent = Invitation.objects.filter(calendar=calendar_id, invited_by__pk=key, accepted_at=None, withdrawn_at=None)
    sent.update(withdrawn_at=timezone.now())


def _unassign(calendar_id: UUID, key: UserKey) -> None:
    """Remove a user from the assignees of a calendar's items, as a change set: only members can be assignees."""
    assignments = Assignment.objects.filter(item__calendar=calendar_id, user_id=key)
    working = WorkItem.objects.filter(pk__in=list(assignments.values_list("item", flat=True)), deleted_at=None)
    items = list(working.prefetch_related("assignments").order_by("id"))
    if items:
        with changelog.change(calendar_id, actor=None) as change:
            for item in items:
                item.assignee_keys = [one for one in item.assignee_keys if one != str(key)]
            change.upsert(*items)
    assignments.delete()  # also those of items in the trash, which would come back with the items
