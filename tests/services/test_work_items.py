"""Tests that one work item is created, changed and deleted: who may do it, and from which state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import uuid4

import orjson
import pytest
from django.contrib.auth.models import User

from calendar_live import wording
from calendar_live.errors import (
    AlreadyExists,
    CalendarLiveError,
    Forbidden,
    NotFound,
    SignedOut,
    Stale,
)
from calendar_live.models import Calendar, ChangeSet, Role, WorkItem
from calendar_live.services.calendars import create_calendar, delete_calendar, set_role
from calendar_live.services.items import create_item, delete_item, update_item
from tests.people import SPAN, make_calendar, make_item, make_user
from tests.recording import all_rows
from tests.services.world import ACTIONS, SERVICES, the_world

pytestmark = pytest.mark.django_db(transaction=True)


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def free(team: Calendar) -> User:
    """Return the free/busy member."""
    user = make_user("free")
    set_role(team, member=user, role=Role.FREEBUSY)
    return user


WRITES: Final[dict[str, Callable[[Calendar, User, WorkItem], object]]] = {
    "create": lambda team, who, _: create_item(team.pk, actor=who, item_id=uuid4(), fields={"title": "x"} | SPAN),
    "update": lambda team, who, item: update_item(
        team.pk, actor=who, item_id=item.pk, changes={"title": "x"}, expected_state=item.state
    ),
    "delete": lambda team, who, item: delete_item(team.pk, actor=who, item_id=item.pk),
    "update unknown": lambda team, who, _: update_item(
        team.pk, actor=who, item_id=uuid4(), changes={"title": "x"}, expected_state=None
    ),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("who", "refusal"), [("cara", Forbidden), ("free", Forbidden), ("dan", NotFound), ("inactive", SignedOut)]
)
def test_one_who_may_not_edit_changes_nothing(
    write: str,
    who: str,
    refusal: type[CalendarLiveError],
    team: Calendar,
    ana: User,
    cara: User,
    dan: User,
    free: User,
) -> None:
    inactive = make_user("inactive")
    set_role(team, member=inactive, role=Role.EDITOR)
    User.objects.filter(pk=inactive.pk).update(is_active=False)
    item = make_item(team, ana)
    before = all_rows()
    user = {"cara": cara, "free": free, "dan": dan, "inactive": inactive}[who]
    with pytest.raises(refusal):
        WRITES[write](team, user, item)
    assert all_rows() == before, "not even a revision"


@pytest.mark.parametrize("who", ["ana", "ben"])
def test_one_who_may_edit_changes_an_item_of_somebody_else(who: str, team: Calendar, ana: User, ben: User) -> None:
    item = make_item(team, ben if who == "ana" else ana)
    written = update_item(
        team.pk,
        actor={"ana": ana, "ben": ben}[who],
        item_id=item.pk,
        changes={"title": "Mine"},
        expected_state=item.state,
    )
    assert orjson.loads(written.wire)["title"] == "Mine"


def test_a_stranger_cannot_tell_a_calendar_from_none(team: Calendar, ana: User, dan: User) -> None:
    item = make_item(team, ana)
    said = []
    for calendar, target in ((team.pk, item.pk), (team.pk, uuid4()), (uuid4(), uuid4())):
        with pytest.raises(NotFound) as refused:
            delete_item(calendar, actor=dan, item_id=target)
        said.append(wording.detail(refused.value))
    assert len(set(said)) == 1


def test_an_item_of_another_calendar_is_not_found_in_this_one(team: Calendar, ana: User) -> None:
    elsewhere = make_item(make_calendar(ana, name="Other"), ana)
    before = all_rows()
    for write in (WRITES["update"], WRITES["delete"]):
        with pytest.raises(NotFound):
            write(team, ana, elsewhere)
    assert all_rows() == before


@pytest.mark.parametrize("name", [name for name in ACTIONS if ".items." in SERVICES[name.partition(",")[0]].__module__])
def test_a_calendar_that_was_deleted_takes_no_more_writes(name: str) -> None:
    world = the_world()
    delete_calendar(world.team.pk, actor=world.ana)
    before = all_rows()
    with pytest.raises(NotFound):
        ACTIONS[name](world, None)
    assert all_rows() == before


# --- preconditions ---------------------------------------------------------------------------------------------------


def test_a_stale_edit_is_refused_with_what_is_there_now(team: Calendar, ana: User, ben: User) -> None:
    item = make_item(team, ana)
    current = update_item(team.pk, actor=ana, item_id=item.pk, changes={"title": "First"}, expected_state=item.state)
    before = all_rows()
    with pytest.raises(Stale) as refused:
        update_item(team.pk, actor=ben, item_id=item.pk, changes={"title": "Late"}, expected_state=item.state)
    assert refused.value.current == current.wire
    with pytest.raises(Stale):
        delete_item(team.pk, actor=ben, item_id=item.pk, expected_state=item.state)
    assert all_rows() == before


def test_an_edit_of_what_was_deleted_meanwhile_is_stale_with_nothing_there(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    delete_item(team.pk, actor=ana, item_id=item.pk)
    with pytest.raises(Stale) as refused:
        update_item(team.pk, actor=ana, item_id=item.pk, changes={"title": "Late"}, expected_state=item.state)
    assert refused.value.current is None
    with pytest.raises(NotFound):
        update_item(team.pk, actor=ana, item_id=item.pk, changes={"title": "Late"}, expected_state=None)


@pytest.mark.parametrize("expected", ["", "*", "0.0000000000000000", "not a state"])
def test_an_expected_state_that_was_never_the_items_is_stale(expected: str, team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    with pytest.raises(Stale):
        delete_item(team.pk, actor=ana, item_id=item.pk, expected_state=expected)


def test_an_id_is_used_once_also_after_its_item_was_deleted_or_in_another_calendar(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    for calendar in (team, make_calendar(ana, name="Other")):
        with pytest.raises(AlreadyExists):
            make_item(calendar, ana, item_id=item.pk)
    delete_item(team.pk, actor=ana, item_id=item.pk)
    with pytest.raises(AlreadyExists):
        make_item(team, ana, item_id=item.pk)


def test_a_calendars_first_state_can_be_verified(ana: User) -> None:
    made = create_calendar("New", actor=ana)
    assert ChangeSet.objects.get(calendar=made).state == Calendar.objects.get(pk=made.pk).state
