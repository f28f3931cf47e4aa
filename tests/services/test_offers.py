"""Tests that nobody becomes an owner without being asked.

An offer changes no role until it is accepted, and it ends when its basis ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest
from django.contrib.auth.models import User

from calendar_live.errors import Invalid, NotFound
from calendar_live.models import Calendar, Role
from calendar_live.services import accounts, calendars, sharing
from calendar_live.services.calendars import set_role
from tests.recording import all_rows
from tests.services.members import roles, together

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE: Final = {"ana": "owner", "ben": "editor", "cara": "viewer"}
Act = Callable[[Calendar, User, User], Any]

OFFERS: Final[dict[str, tuple[Act, dict[str, str]]]] = {
    "a role": (
        lambda team, ana, cara: sharing.change_role(team.pk, actor=ana, member=str(cara.pk), role=Role.OWNER),
        BEFORE | {"cara": "owner"},
    ),
    "in one's place": (
        lambda team, ana, cara: sharing.transfer(team.pk, actor=ana, to=str(cara.pk)),
        BEFORE | {"ana": "editor", "cara": "owner"},
    ),
}


@pytest.mark.parametrize("kind", OFFERS)
@pytest.mark.parametrize("accept", [True, False])
def test_an_offer_changes_a_role_when_it_is_accepted_and_not_before(
    kind: str, accept: bool, team: Calendar, ana: User, cara: User
) -> None:
    """Seen failing: Cara became an owner at once."""
    offer, after = OFFERS[kind]
    offer(team, ana, cara)
    assert roles(team) == BEFORE
    role = sharing.answer_offer(team.pk, actor=cara, accept=accept)
    assert roles(team) == (after if accept else BEFORE)
    assert role == roles(team)["cara"]
    with pytest.raises(NotFound):
        sharing.answer_offer(team.pk, actor=cara, accept=True)


def test_who_is_added_as_an_owner_is_an_editor_until_they_accept(team: Calendar, ana: User, dan: User) -> None:
    sharing.share(team.pk, actor=ana, to="dan", role=Role.OWNER)
    assert roles(team)["dan"] == "editor"
    sharing.answer_offer(team.pk, actor=dan, accept=True)
    assert roles(team)["dan"] == "owner"


def test_the_last_of_several_offers_counts(team: Calendar, ana: User, cara: User) -> None:
    OFFERS["in one's place"][0](team, ana, cara)
    OFFERS["a role"][0](team, ana, cara)
    sharing.answer_offer(team.pk, actor=cara, accept=True)
    assert roles(team)["ana"] == "owner"


def give_up(team: Calendar, ana: User, cara: User) -> None:
    """Make Ben an owner and Ana an editor."""
    ben = User.objects.get(username="ben")
    set_role(team, member=ben, role=Role.OWNER)
    set_role(team, member=ana, role=Role.EDITOR)


def give_up_and_begin_anew(team: Calendar, ana: User, cara: User) -> None:
    give_up(team, ana, cara)
    set_role(team, member=ana, role=Role.OWNER)


def leave_and_come_back(team: Calendar, ana: User, cara: User) -> None:
    calendars.remove_member(team, member=cara)
    set_role(team, member=cara, role=Role.VIEWER)


def be_lowered_by_staff(team: Calendar, ana: User, cara: User) -> None:
    set_role(team, member=cara, role=Role.FREEBUSY)


def be_gone(team: Calendar, ana: User, cara: User) -> None:
    set_role(team, member=User.objects.get(username="ben"), role=Role.OWNER)
    accounts.delete_user(ana)


ENDS: Final[dict[str, Act]] = {
    "withdrawn, by the role one has": lambda team, ana, cara: sharing.change_role(
        team.pk, actor=ana, member=str(cara.pk), role=Role.VIEWER
    ),
    "another role": lambda team, ana, cara: sharing.change_role(
        team.pk, actor=ana, member=str(cara.pk), role=Role.EDITOR
    ),
    "another role, by staff": be_lowered_by_staff,
    "who offered is no owner any more": give_up,
    "who offered is an owner again": give_up_and_begin_anew,
    "who offered is not active": lambda team, ana, cara: User.objects.filter(pk=ana.pk).update(is_active=False),
    "who offered is gone": be_gone,
    "one left and came back": leave_and_come_back,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("kind", OFFERS)
def test_an_offer_that_has_ended_is_not_accepted(kind: str, end: Act, team: Calendar, ana: User, cara: User) -> None:
    """Seen failing when offers stay open after the member who made them loses their role."""
    OFFERS[kind][0](team, ana, cara)
    end(team, ana, cara)
    before = all_rows()
    with pytest.raises(NotFound):
        sharing.answer_offer(team.pk, actor=cara, accept=True)
    assert all_rows() == before


def test_nobody_is_offered_what_they_cannot_accept(team: Calendar, ana: User, ben: User, dan: User) -> None:
    User.objects.filter(pk=ben.pk).update(is_active=False)
    for kind in OFFERS:
        with pytest.raises(Invalid):
            OFFERS[kind][0](team, ana, ben)
    with pytest.raises(NotFound):
        sharing.answer_offer(team.pk, actor=dan, accept=True)
    sharing.change_role(team.pk, actor=ana, member=str(ana.pk), role=Role.OWNER)  # Ana is an owner already
    with pytest.raises(NotFound):
        sharing.answer_offer(team.pk, actor=ana, accept=True)


@pytest.mark.parametrize("_", range(3))
def test_an_answer_and_a_withdrawal_at_once_end_in_one_of_the_two(
    _: int, team: Calendar, ana: User, cara: User
) -> None:
    OFFERS["in one's place"][0](team, ana, cara)
    outcome = together(
        lambda: sharing.answer_offer(team.pk, actor=cara, accept=True),
        lambda: sharing.change_role(team.pk, actor=ana, member=str(cara.pk), role=Role.VIEWER),
    )
    assert (outcome, roles(team)) in (
        (["Forbidden", "done"], BEFORE | {"ana": "editor", "cara": "owner"}),
        (["NotFound", "done"], BEFORE),
    )
