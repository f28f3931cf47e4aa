"""Tests that each role has its rights, and that strangers, inactive and signed-out users have none."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calendar_live import access
from calendar_live.errors import Forbidden, NotFound, SignedOut
from calendar_live.models import Calendar, Membership, Role
from calendar_live.reading.calendars import describe_all, describe_for
from calendar_live.services.calendars import delete_calendar, remove_member, set_role
from tests.people import make_calendar, make_item, make_user

pytestmark = pytest.mark.django_db(transaction=True)

TABLE: Final = [
    (Role.OWNER, "full", True),
    (Role.EDITOR, "full", True),
    (Role.VIEWER, "shared", False),
    (Role.FREEBUSY, "freebusy", False),
]


def test_every_role_is_in_the_table() -> None:
    assert {role for role, _, _ in TABLE} == set(Role)


@pytest.mark.parametrize(("role", "rights", "edits"), TABLE)
def test_a_role_has_its_rights(role: Role, rights: str, edits: bool, team: Calendar, dan: User) -> None:
    set_role(team, member=dan, role=role)
    standing = access.standing(dan, team.pk)
    assert (standing.rights, standing.may_edit, standing.role) == (rights, edits, role)
    if edits:
        assert access.require_edit(dan, team.pk) == standing
    else:
        with pytest.raises(Forbidden):
            access.require_edit(dan, team.pk)


def test_a_place_and_the_head_are_read_in_one_statement(team: Calendar, ana: User) -> None:
    """S3. Fails when the head is read separately: rights and state would come from two different moments."""
    item = make_item(team, ana)
    with CaptureQueriesContext(connection) as asked:
        standing = access.standing(ana, str(team.pk))
    assert len(asked) == 1
    assert str(standing.state) == item.state


def test_one_who_may_not_see_a_calendar_stands_nowhere(team: Calendar, ana: User, dan: User) -> None:
    gone = make_calendar(ana)
    delete_calendar(gone.pk, actor=ana)
    for user, calendar in ((dan, team.pk), (AnonymousUser(), team.pk), (ana, uuid4()), (ana, gone.pk)):
        with pytest.raises(NotFound):
            access.standing(user, calendar)
    assert access.standings(dan) == []


def test_one_who_is_not_active_stands_nowhere(team: Calendar, ana: User) -> None:
    """An inactive user is told to sign in, not that the calendar is gone. Seen failing when only links are checked."""
    User.objects.filter(pk=ana.pk).update(is_active=False)
    with pytest.raises(SignedOut):
        access.standing(ana, team.pk)
    assert access.standings(ana) == []
    assert describe_all(ana) == []


def test_places_are_those_asked_for_and_in_one_order(ana: User) -> None:
    calendars = [make_calendar(ana) for _ in range(3)]
    assert [standing.calendar for standing in access.standings(ana)] == [str(one.pk) for one in calendars]
    asked = [calendars[2].pk, calendars[0].pk, uuid4()]
    assert [standing.calendar for standing in access.standings(ana, calendars=asked)] == [
        str(calendars[0].pk),
        str(calendars[2].pk),
    ]


def test_a_changed_role_makes_another_access_and_the_same_one_does_not(team: Calendar, cara: User) -> None:
    """S5. Fails when the version stays the same: a picture made with other rights would be taken for a current one."""
    tokens = [str(access.standing(cara, team.pk).access)]
    for role in (Role.VIEWER, Role.EDITOR, Role.VIEWER):
        set_role(team, member=cara, role=role)
        tokens.append(str(access.standing(cara, team.pk).access))
    assert tokens == ["shared.1", "shared.1", "full.2", "shared.3"]


def test_who_left_and_came_back_never_meets_an_access_of_before(team: Calendar, cara: User) -> None:
    """S5. Seen failing when each membership counts from 1: an earlier picture would be taken for a current one."""
    set_role(team, member=cara, role=Role.EDITOR)
    tokens = [str(access.standing(cara, team.pk).access)]
    for _ in range(2):
        remove_member(team, member=cara)
        set_role(team, member=cara, role=Role.EDITOR)
        tokens.append(str(access.standing(cara, team.pk).access))
    assert tokens == ["full.2", "full.3", "full.4"]


def test_a_description_tells_a_member_what_they_may_know(team: Calendar, ana: User, cara: User) -> None:
    free = make_user("free")
    set_role(team, member=free, role=Role.FREEBUSY)
    [told] = describe_all(cara)
    assert [one["name"] for one in told["people"]] == ["Ana", "Ben", "Cara", "Free"]
    [told] = describe_all(free)
    assert told["people"] == []
    receivers = [access.receiver_of(user) for user in (ana, free)]
    assert describe_for(receivers)[receivers[1]].calendars == {told["id"]: told}


def test_a_description_takes_as_many_statements_for_many_calendars_as_for_one(ana: User, ben: User) -> None:
    for count in (1, 3):
        while Membership.objects.filter(user=ana).count() < count:
            make_calendar(ana, editor=ben)
        with CaptureQueriesContext(connection) as asked:
            assert len(describe_all(ana)) == count
        assert len(asked) == 2


def test_who_is_taken_out_between_the_two_statements_sees_nothing(team: Calendar, ana: User, cara: User) -> None:
    """Invariant 7. Seen failing when the first statement alone decides: Cara still read the names of the others."""
    told = describe_all(ana)
    statements = 0

    def take_out(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal statements
        statements += 1
        if statements == 2:
            Membership.objects.filter(calendar=team, user=cara).delete()
        return execute(sql, params, many, context)

    receivers = [access.receiver_of(user) for user in (ana, cara)]
    with connection.execute_wrapper(take_out):
        seen = describe_for(receivers)
    assert statements > 2
    assert seen[receivers[1]].calendars == {}
    [now] = seen[receivers[0]].calendars.values()
    assert [one["name"] for one in now["people"]] == ["Ana", "Ben"]
    assert now != told[0]
