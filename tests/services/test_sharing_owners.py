"""Tests that a calendar always has an owner, whatever is done to it, even by several people at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.contrib.auth.models import User

from calendar_live.errors import Invalid
from calendar_live.models import Calendar, Role
from calendar_live.services import accounts, calendars, sharing
from calendar_live.services.calendars import set_role
from tests.people import make_calendar, make_item, make_user
from tests.recording import all_rows
from tests.services.members import roles, together

pytestmark = pytest.mark.django_db(transaction=True)

LAST: Final[dict[str, Callable[[Calendar, User], Any]]] = {
    "leave": lambda team, ana: sharing.leave(team.pk, actor=ana),
    "remove": lambda team, ana: sharing.remove(team.pk, actor=ana, member=str(ana.pk)),
    "change_role": lambda team, ana: sharing.change_role(team.pk, actor=ana, member=str(ana.pk), role=Role.EDITOR),
    "transfer to oneself": lambda team, ana: sharing.transfer(team.pk, actor=ana, to=str(ana.pk)),
    "delete_user": lambda team, ana: accounts.delete_user(ana),
}


@pytest.mark.parametrize("act", LAST.values(), ids=LAST)
def test_the_last_owner_stays(act: Callable[[Calendar, User], Any], team: Calendar, ana: User) -> None:
    before = all_rows()
    with pytest.raises(Invalid):
        act(team, ana)
    assert all_rows() == before


@pytest.mark.parametrize("act", LAST.values(), ids=LAST)
def test_an_owner_whose_account_is_not_active_is_none(
    act: Callable[[Calendar, User], Any], team: Calendar, ana: User, ben: User
) -> None:
    """Seen failing when every owner counts: then nobody could manage the calendar any more."""
    set_role(team, member=ben, role=Role.OWNER)
    User.objects.filter(pk=ben.pk).update(is_active=False)
    with pytest.raises(Invalid):
        act(team, ana)
    assert roles(team)["ana"] == "owner"


@pytest.mark.parametrize("_", range(5))
def test_of_two_owners_who_leave_at_once_one_stays(_: int, team: Calendar, ana: User, ben: User) -> None:
    """Seen failing on PostgreSQL when `lock` takes no lock: both see another owner, and both leave."""
    set_role(team, member=ben, role=Role.OWNER)
    outcome = together(lambda: sharing.leave(team.pk, actor=ana), lambda: sharing.leave(team.pk, actor=ben))
    assert outcome == ["Invalid", "done"]
    assert list(roles(team).values()).count("owner") == 1


@pytest.mark.parametrize("_", range(5))
def test_two_owners_who_lower_each_other_leave_one(_: int, team: Calendar, ana: User, ben: User) -> None:
    set_role(team, member=ben, role=Role.OWNER)
    outcome = together(
        lambda: sharing.change_role(team.pk, actor=ana, member=str(ben.pk), role=Role.VIEWER),
        lambda: sharing.remove(team.pk, actor=ben, member=str(ana.pk)),
    )
    assert outcome == ["Forbidden", "done"] or outcome == ["NotFound", "done"]
    assert list(roles(team).values()).count("owner") == 1


@pytest.mark.parametrize("_", range(3))
def test_what_changes_the_same_calendars_at_once_waits_and_never_for_each_other(_: int, ana: User, ben: User) -> None:
    """There is no deadlock, because all of them lock the calendars first, in ascending order of their ids."""
    made = [make_calendar(ana, editor=ben, name=name) for name in ("One", "Two", "Three")]
    eve = make_user("eve")
    for calendar in made:
        set_role(calendar, member=eve, role=Role.VIEWER)
        make_item(calendar, ben, assignee_keys=[str(eve.pk), str(ben.pk)])
    ids = [calendar.pk for calendar in made]

    def every(act: Callable[[Calendar], object]) -> Callable[[], None]:
        def work() -> None:
            for calendar in made:
                act(calendar)

        return work

    outcome = together(
        lambda: accounts.delete_user(eve),
        every(lambda one: set_role(one, member=ben, role=Role.EDITOR)),
        every(lambda one: calendars.edit_calendar(one.pk, actor=ana, changes={"name": "Renamed"})),
        lambda: sharing.set_order(ids[::-1], actor=ben),
        lambda: sharing.set_order(ids, actor=ana),
    )
    assert outcome == ["done"] * 5
    assert [roles(calendar) for calendar in made] == [{"ana": "owner", "ben": "editor"}] * 3
