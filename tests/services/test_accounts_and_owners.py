"""Tests that no calendar is left without an owner when an account is deactivated or deleted.

This is also true if that happens outside the services, such as in a host site's own admin of users.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import ProtectedError

from calendar_live.errors import Invalid
from calendar_live.models import Calendar, Membership, Role, ownerless
from calendar_live.services import accounts, calendars, sharing
from calendar_live.services.calendars import set_role
from tests.people import make_calendar, make_user
from tests.recording import all_rows
from tests.services.members import roles
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


class Employee(User):
    """A proxy of the user model, as a host site may have one."""

    class Meta:
        proxy = True
        app_label = "foreign"


def deactivate(user: User, **saving: Any) -> None:
    user.is_active = False
    user.save(**saving)


LEAVING: Final[dict[str, Callable[[User], Any]]] = {
    "save": deactivate,
    "save of the field": lambda user: deactivate(user, update_fields=["is_active"]),
    "save of a proxy": lambda user: deactivate(Employee.objects.get(pk=user.pk)),
    "delete": lambda user: user.delete(),
    "delete of a proxy": lambda user: Employee.objects.get(pk=user.pk).delete(),
    "delete of a query": lambda user: User.objects.filter(pk=user.pk).delete(),
}


@pytest.mark.parametrize("act", LEAVING.values(), ids=LEAVING)
def test_the_last_owner_of_a_calendar_stays_active(act: Callable[[User], Any], team: Calendar, ana: User) -> None:
    """Seen failing: the calendar no longer had an owner, and nobody could name one."""
    make_calendar(ana, editor=User.objects.get(username="ben"), name="Projects")
    before = all_rows()
    with pytest.raises((Invalid, ProtectedError)) as refused:
        act(User.objects.get(pk=ana.pk))
    assert "Team" in str(refused.value)
    assert "Projects" in str(refused.value)
    assert all_rows() == before


@pytest.mark.parametrize("act", LEAVING.values(), ids=LEAVING)
def test_an_owner_goes_while_there_is_another(act: Callable[[User], Any], team: Calendar, ana: User, ben: User) -> None:
    set_role(team, member=ben, role=Role.OWNER)
    act(User.objects.get(pk=ana.pk))
    assert not ownerless()


def test_all_owners_do_not_go_at_once(team: Calendar, ana: User, ben: User) -> None:
    """Seen failing with a check of one user at a time, because each of them leaves another owner."""
    set_role(team, member=ben, role=Role.OWNER)
    with pytest.raises(ProtectedError, match="Team"):
        User.objects.filter(pk__in=[ana.pk, ben.pk]).delete()
    assert list(roles(team)) == ["ana", "ben", "cara"]


def test_nobody_is_kept_by_what_concerns_nobody_else(ana: User, ben: User) -> None:
    """A user with a calendar that nobody else uses may be deactivated, and the service deletes it with the user.

    A calendar in the trash does not prevent that.
    """
    own, deleted = make_calendar(ana, name="Own"), make_calendar(ana, editor=ben, name="Deleted")
    calendars.delete_calendar(deleted.pk, actor=ana)
    deactivate(ana)
    assert not ownerless()
    with pytest.raises(ProtectedError, match="Own"):
        ana.delete()
    accounts.delete_user(ana)
    assert not User.objects.filter(pk=ana.pk).exists()
    assert Calendar.objects.get(pk=own.pk).deleted_at is not None


def test_what_does_not_take_an_owner_away_is_saved(team: Calendar, ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_active=False)
    ana.refresh_from_db()
    ana.first_name = "Anna"
    ana.save()
    accounts.ensure_user("new", password="demo", first_name="New")
    assert list(ownerless()) == [team], "it was before"


def test_staff_hand_over_a_calendar_whose_owner_is_gone(team: Calendar, ana: User, ben: User) -> None:
    """Staff use the service behind the admin's memberships. The app does not notice a bulk update."""
    User.objects.filter(pk=ana.pk).update(is_active=False)
    eve = make_user("eve")
    for user in (ben, eve):
        set_role(team, member=user, role=Role.OWNER)
    assert roles(team) == {"ana": "owner", "ben": "owner", "cara": "viewer", "eve": "owner"}
    assert not ownerless()


@pytest.mark.parametrize("role", Role)
def test_everybody_but_the_last_owner_leaves(role: Role, team: Calendar, ana: User) -> None:
    eve = make_user("eve")
    set_role(team, member=eve, role=role)
    sharing.leave(team.pk, actor=eve)
    assert not Membership.objects.filter(user=eve).exists()
    with pytest.raises(Invalid):
        sharing.leave(team.pk, actor=ana)


def test_the_other_owner_stays_while_one_is_deactivated(team: Calendar, ana: User, ben: User) -> None:
    """Saving happens in a transaction, as in the admin.

    Seen failing on PostgreSQL without the lock: Ben left, although Ana was not an active owner any more.
    """
    set_role(team, member=ben, role=Role.OWNER)
    saved, tried = threading.Event(), threading.Event()

    def save() -> None:
        with transaction.atomic():
            deactivate(ana)
            saved.set()
            tried.wait(1)  # if `leave` waits for the lock, it has not finished by then

    def leave() -> None:
        saved.wait()
        try:
            with pytest.raises(Invalid):
                sharing.leave(team.pk, actor=ben)
        finally:
            tried.set()

    at_once([save, leave])
    assert list(ownerless()) == []
