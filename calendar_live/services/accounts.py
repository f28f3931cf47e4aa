"""Creates and deletes user accounts."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from .. import changelog, conf
from ..access import key_of
from ..errors import Fault, Invalid, NotFound
from ..models import Assignment, Calendar, ChangeSet, Invitation, Membership, PublicLink, Role, WorkItem
from .calendars import remove_member
from .roles import lock, lock_user, put_in_trash

# The password of the demo's users. Because it is well known, no user is given it and it opens no account, unless DEBUG
# is on.
DEMO_PASSWORD = "demo"  # noqa: S105


def is_refused(password: str | None) -> bool:
    """Whether a password must open no account: the demo's password is refused unless DEBUG is on.

    A database that was copied from a trial may contain the demo's users.
    """
    return password == DEMO_PASSWORD and not conf.debug()


def ensure_user(username: str, *, password: str, first_name: str) -> AbstractBaseUser:
    """Return the user with this name. If there is none, create the user with this password."""
    model = get_user_model()
    found = model.objects.filter(username=username).first()
    if found is not None:
        return found
    return model.objects.create_user(username=username, password=password, first_name=first_name)


def create_account(username: str, *, name: str, email: str, password: str) -> AbstractBaseUser:
    """Create an account for a person who was invited.

    Raises Invalid if the names or the password break the site's rules, or if the user name or the address is taken.
    """
    model = get_user_model()
    user = model(username=username.strip(), first_name=name.strip(), email=email)
    faults: dict[str, list[Fault]] = {}
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as error:
        faults |= {name: _by_django(said) for name, said in error.message_dict.items()}
    try:
        validate_password(password, user)
    except ValidationError as error:
        faults["password"] = _by_django(error.messages)
    if "first_name" in faults or not user.first_name:
        faults["name"] = faults.pop("first_name", [Fault("required")])
    if model.objects.filter(email__iexact=email).exists():
        faults["email"] = [Fault("email_taken")]
    if faults:
        raise Invalid(fields=faults)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:  # another request has just taken the name
        raise Invalid(fields={"username": [Fault("username_taken")]}) from error
    return user


def _by_django(said: list[str]) -> list[Fault]:
    return [Fault("site_rule", said=one) for one in said]


def delete_user(user: AbstractBaseUser) -> None:
    """Delete a user, and log every change that this makes.

    Calendars without another member are moved to the trash, and no wire names the user any more. Raises Invalid while
    other members depend on a calendar that only this user owns.
    """
    while not _delete_user(user):
        pass  # before the locks were taken, the user joined another calendar or was named in one


def _delete_user(user: AbstractBaseUser) -> bool:
    """Delete a user. If more calendars must be locked than were found at first, do nothing and return False."""
    with transaction.atomic():
        locked = _calendars_that_name(user)
        for calendar_id in sorted(locked):  # every transaction locks in this order, and users after calendars
            with suppress(NotFound):  # the calendar has just been deleted for good
                lock(calendar_id)
        lock_user(key_of(user))  # from now on, the user cannot become a member of any calendar
        if not locked >= _calendars_that_name(user):
            return False
        mine = Membership.objects.filter(user_id=key_of(user), calendar__deleted_at=None).select_related("calendar")
        memberships = {membership.calendar_id: membership for membership in mine}
        mentioned = set(Calendar.objects.filter(workitems__in=_mentions(user)).values_list("id", flat=True))
        for calendar_id in sorted(memberships.keys() | mentioned):
            if calendar_id in mentioned:
                _forget(calendar_id, user)
            if calendar_id in memberships:
                _leave(memberships[calendar_id], user)
        user.delete()
    return True


def _calendars_that_name(user: AbstractBaseUser) -> set[UUID]:
    """Return the calendars with rows that are deleted or changed along with a user, including those in the trash.

    No calendar's rows are written without its lock.
    """
    key = key_of(user)
    rows = (
        Membership.objects.filter(Q(user_id=key) | Q(offered_by__pk=key)),
        WorkItem.objects.filter(Q(created_by=key) | Q(updated_by=key) | Q(deleted_by=key) | Q(assignments__user=key)),
        ChangeSet.objects.filter(actor__pk=key),
        Invitation.objects.filter(invited_by__pk=key),
        PublicLink.objects.filter(created_by__pk=key),
    )
    return {
        calendar for found in rows for calendar in found.order_by().values_list("calendar_id", flat=True).distinct()
    }


def _leave(membership: Membership, user: AbstractBaseUser) -> None:
    others = Membership.objects.filter(calendar=membership.calendar).exclude(pk=membership.pk)
    if not others.exists():
        with changelog.change(membership.calendar_id, actor=user):  # checks no rights: the user may have none
            put_in_trash(membership.calendar_id)
    elif membership.role == Role.OWNER and not others.filter(role=Role.OWNER).exists():
        raise Invalid(fields={"user": [Fault("last_owner_of", calendar=membership.calendar.name)]})
    else:
        remove_member(membership.calendar, member=user)


def _mentions(user: AbstractBaseUser) -> QuerySet[WorkItem]:
    key = key_of(user)
    named = Q(created_by=key) | Q(updated_by=key) | Q(assignments__user=key)
    return WorkItem.objects.filter(named, deleted_at=None, calendar__deleted_at=None).distinct()


def _forget(calendar_id: UUID, user: AbstractBaseUser) -> None:
    with changelog.change(calendar_id, actor=None) as change:
        items = list(_mentions(user).filter(calendar=calendar_id).prefetch_related("assignments").order_by("id"))
        for item in items:
            item.created_by_id = None if item.created_by_id == user.pk else item.created_by_id
            item.updated_by_id = None if item.updated_by_id == user.pk else item.updated_by_id
            item.assignee_keys = [key for key in item.assignee_keys if key != str(user.pk)]
        change.upsert(*items)
        Assignment.objects.filter(item__in=items, user_id=key_of(user)).delete()
