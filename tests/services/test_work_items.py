"""Creating, changing and deleting one work item: what is refused and why, who may, and that a retry is the first call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from calendar_live import conf
from calendar_live.errors import (
    AlreadyExists,
    CalendarLiveError,
    Forbidden,
    Invalid,
    KeyReused,
    NotFound,
    Stale,
)
from calendar_live.models import Calendar, ChangeSet, Role, WorkItem
from calendar_live.services.calendars import create_calendar, delete_calendar, set_role
from calendar_live.services.fields import WIRE_NAMES, check_fields
from calendar_live.services.work_items import create_item, delete_item, put_item, update_item
from tests.people import NINE, make_calendar, make_item, make_user
from tests.protocol.golden import load
from tests.recording import all_rows
from tests.services.world import ACTIONS, World

pytestmark = pytest.mark.django_db(transaction=True)

LATER: Final = NINE + timedelta(hours=1)
SPAN: Final = {"start": NINE, "end": LATER}


# --- fields ----------------------------------------------------------------------------------------------------------

CHOICES: Final = {
    "work_type": "Must be one of: project, activity, task, meeting.",
    "status": "Must be one of: not_started, in_progress, at_risk, blocked, completed, cancelled.",
    "priority": "Must be one of: low, medium, high, urgent, critical.",
    "visibility": "Must be one of: normal, private, secret.",
}
BAD: Final[list[tuple[str, object, str, str]]] = [
    ("title", "", "title", "This field is required."),
    ("title", " \n ", "title", "This field is required."),
    ("title", None, "title", "Must be text."),
    ("title", 7, "title", "Must be text."),
    ("title", "x" * 201, "title", "Must be at most 200 characters long."),
    ("title", "a\x00b", "title", "Contains characters that are not text."),
    ("title", "\ud800", "title", "Contains characters that are not text."),
    ("description", "x" * 20_001, "description", "Must be at most 20000 characters long."),
    ("location", "x" * 301, "location", "Must be at most 300 characters long."),
    ("start", None, "start", "Must be a date-time with a time zone."),
    ("start", "2026-11-23", "start", "Must be a date-time with a time zone."),
    ("start", datetime(2026, 11, 23), "start", "Must be a date-time with a time zone."),  # noqa: DTZ001
    ("start", datetime(1899, 12, 31, tzinfo=UTC), "start", "Must be from 1900-01-01 to 2200-01-01."),
    ("end", datetime(2200, 1, 2, tzinfo=UTC), "end", "Must be from 1900-01-01 to 2200-01-01."),
    ("end", NINE - timedelta(seconds=1), "end", "Must not be before the start."),
    ("all_day", "yes", "allDay", "Must be true or false."),
    ("all_day", 1, "allDay", "Must be true or false."),
    ("all_day", True, "start", "Must be a date when the item is all-day."),
    ("time_zone", "Mars/Olympus", "timeZone", "Must be the name of a time zone, as Asia/Manila."),
    ("time_zone", None, "timeZone", "Must be the name of a time zone, as Asia/Manila."),
    ("time_zone", "../../etc/passwd", "timeZone", "Must be the name of a time zone, as Asia/Manila."),
    ("color", "red", "color", "Must be a colour as #2563eb."),
    ("color", "#2563eb;", "color", "Must be a colour as #2563eb."),
    ("color", 5, "color", "Must be a colour as #2563eb."),
    *((name, value, {"work_type": "workType"}.get(name, name), text) for name, text in CHOICES.items() for value in ("", None, 1, "x")),
    ("progress", -1, "progress", "Must be a whole number from 0 to 100."),
    ("progress", 101, "progress", "Must be a whole number from 0 to 100."),
    ("progress", 10**30, "progress", "Must be a whole number from 0 to 100."),
    ("progress", True, "progress", "Must be a whole number from 0 to 100."),
    ("progress", 0.5, "progress", "Must be a whole number from 0 to 100."),
    ("parent_id", "above", "parent", "Must be the id of a work item."),
    ("parent_id", UUID(int=5), "parent", "There is no such work item in this calendar."),
    ("assignee_keys", "ana", "assignees", "Must be a list of user ids."),
    ("assignee_keys", [1], "assignees", "Must be a list of user ids."),
    ("assignee_keys", ["0"], "assignees", "Not a member of this calendar: 0."),
    ("owner", "ana", "owner", "There is no such field."),
    ("calendar_id", UUID(int=5), "calendar_id", "There is no such field."),
    ("id", UUID(int=5), "id", "There is no such field."),
    ("state", "1.00000000000000aa", "state", "There is no such field."),
    ("rrule", "FREQ=DAILY", "rrule", "There is no such field."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "wire_name", "message"), BAD, ids=[f"{b[0]}={str(b[1])[:20]}" for b in BAD])
def test_an_editor_is_told_which_field_is_wrong_and_nothing_is_written(
    name: str, value: object, wire_name: str, message: str, team: Calendar, ben: User
) -> None:
    item = make_item(team, ben)
    before = all_rows()
    with pytest.raises(Invalid) as refused_to_create:
        create_item(
            team.pk, actor=ben, item_id=uuid4(), fields={"title": "x", "start": NINE, "end": LATER} | {name: value}
        )
    with pytest.raises(Invalid) as refused_to_update:
        update_item(team.pk, actor=ben, item_id=item.pk, changes={name: value}, expected_state=None)
    for refused in (refused_to_create, refused_to_update):
        assert refused.value.fields[wire_name] == [message]
    assert all_rows() == before


def test_an_editor_is_told_of_all_bad_fields_at_once(team: Calendar, ben: User) -> None:
    with pytest.raises(Invalid) as refused:
        create_item(team.pk, actor=ben, item_id=uuid4(), fields={"progress": 200, "status": "gone", "all_day": 0})
    assert refused.value.fields.keys() == {"progress", "status", "allDay", "title", "start", "end"}


def test_every_field_that_may_be_set_has_a_bad_value_in_the_table() -> None:
    assert WIRE_NAMES.keys() <= {name for name, *_ in BAD}


@pytest.mark.parametrize(
    ("start", "end", "all_day", "accepted"),
    [
        (NINE, NINE, False, True),
        (NINE, LATER, False, True),
        (datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 24, tzinfo=UTC), True, True),
        (datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC), True, False),
        (datetime(2026, 11, 23, tzinfo=UTC), LATER, True, False),
    ],
)
def test_an_item_spans_whole_days_or_any_time(
    start: datetime, end: datetime, all_day: bool, accepted: bool, team: Calendar, ben: User
) -> None:
    fields = {"title": "x", "start": start, "end": end, "all_day": all_day}
    if accepted:
        wire = orjson.loads(create_item(team.pk, actor=ben, item_id=uuid4(), fields=fields).wire)
        assert len(wire["start"]) == len(wire["end"]) == (10 if all_day else 20)
    else:
        with pytest.raises(Invalid):
            create_item(team.pk, actor=ben, item_id=uuid4(), fields=fields)


VALUE: Final = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.uuids() | st.datetimes()
    | st.lists(st.text() | st.integers()) | st.dictionaries(st.text(), st.text())
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(WIRE_NAMES)) | st.text(), VALUE))
def test_any_values_are_accepted_or_refused_by_field(values: dict[str, Any]) -> None:
    faults: dict[str, list[str]] = {}
    try:
        check_fields(values, complete=False)
    except Invalid as refused:
        faults = refused.fields
    assert faults.keys() <= set(WIRE_NAMES.values()) | values.keys()
    assert all(message.endswith(".") for messages in faults.values() for message in messages)


def test_a_wire_has_all_its_names_in_order(team: Calendar, ben: User) -> None:
    made = create_item(team.pk, actor=ben, item_id=uuid4(), fields={"title": " Größe 😀 ", "color": "#ABCDEF"} | SPAN)
    golden = next(case["wire"] for case in load("wires") if case["name"] == "timed")
    assert list(orjson.loads(made.wire)) == list(golden), "the keys of the contract, in its order"
    assert orjson.loads(made.wire)["title"] == "Größe 😀"
    assert orjson.loads(made.wire)["color"] == "#abcdef"
    assert orjson.loads(made.wire)["createdBy"] == orjson.loads(made.wire)["updatedBy"] == str(ben.pk)


def test_replacing_an_item_gives_what_is_not_sent_the_value_of_a_new_one(team: Calendar, ben: User) -> None:
    item = make_item(team, ben, status="blocked", progress=50, color="#123456", description="d", location="l")
    replaced = put_item(team.pk, actor=ben, item_id=item.pk, fields={"title": "New"} | SPAN).written
    fresh = create_item(team.pk, actor=ben, item_id=uuid4(), fields={"title": "New"} | SPAN)
    differing = {"id", "state"}
    assert {k: v for k, v in orjson.loads(replaced.wire).items() if k not in differing} == {
        k: v for k, v in orjson.loads(fresh.wire).items() if k not in differing
    }


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
    ("who", "refusal"), [("cara", Forbidden), ("free", Forbidden), ("dan", NotFound), ("inactive", NotFound)]
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
        said.append(refused.value.detail)
    assert len(set(said)) == 1


def test_an_item_of_another_calendar_is_not_found_in_this_one(team: Calendar, ana: User) -> None:
    elsewhere = make_item(make_calendar(ana, name="Other"), ana)
    before = all_rows()
    for write in (WRITES["update"], WRITES["delete"]):
        with pytest.raises(NotFound):
            write(team, ana, elsewhere)
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


# --- parents and children --------------------------------------------------------------------------------------------


def tree(team: Calendar, ana: User, depth: int) -> list[WorkItem]:
    """Return a chain of items, each below the one before."""
    made: list[WorkItem] = []
    for number in range(depth):
        made.append(make_item(team, ana, title=str(number), parent_id=made[-1].pk if made else None))
    return made


def entries_at_head(calendar: Calendar) -> dict[UUID, bool]:
    """Return the items of the newest change set, and whether each was upserted."""
    newest = ChangeSet.objects.filter(calendar=calendar).latest("revision")
    return {entry.item: entry.wire is not None for entry in newest.entries.all()}


def test_deleting_a_parent_deletes_all_below_it_as_one_change_set(team: Calendar, ana: User) -> None:
    top, middle, low = tree(team, ana, 3)
    sibling = make_item(team, ana, parent_id=top.pk)
    unrelated = make_item(team, ana)
    gone = delete_item(team.pk, actor=ana, item_id=top.pk)
    assert entries_at_head(team) == dict.fromkeys([top.pk, middle.pk, low.pk, sibling.pk], False)
    assert set(WorkItem.objects.filter(deleted_at=None)) == {unrelated}
    assert gone.state == str(Calendar.objects.get(pk=team.pk).state)


def test_deleting_a_parent_hands_its_children_up_as_one_change_set(team: Calendar, ana: User) -> None:
    top, middle, low = tree(team, ana, 3)
    other = make_item(team, ana, parent_id=middle.pk)
    delete_item(team.pk, actor=ana, item_id=middle.pk, children="reparent")
    assert entries_at_head(team) == {middle.pk: False, low.pk: True, other.pk: True}
    for child in (low, other):
        child.refresh_from_db()
        assert child.parent_id == top.pk
        assert orjson.loads(child.wire)["parent"] == str(top.pk)
    delete_item(team.pk, actor=ana, item_id=top.pk, children="reparent")
    assert orjson.loads(WorkItem.objects.get(pk=low.pk).wire)["parent"] is None


def test_deleting_a_parent_leaves_children_deleted_before_as_they_are(team: Calendar, ana: User) -> None:
    top, middle = tree(team, ana, 2)
    delete_item(team.pk, actor=ana, item_id=middle.pk)
    delete_item(team.pk, actor=ana, item_id=top.pk)
    assert entries_at_head(team) == {top.pk: False}


@pytest.mark.parametrize("below", [0, 1, 2])
def test_an_item_cannot_be_put_below_itself(below: int, team: Calendar, ana: User) -> None:
    chain = tree(team, ana, 3)
    with pytest.raises(Invalid) as refused:
        update_item(
            team.pk, actor=ana, item_id=chain[0].pk, changes={"parent_id": chain[below].pk}, expected_state=None
        )
    assert refused.value.fields == {"parent": ["A work item cannot be below itself."]}


def test_a_parent_must_be_a_living_item_of_the_same_calendar(team: Calendar, ana: User) -> None:
    dead, elsewhere = make_item(team, ana), make_item(make_calendar(ana, name="Other"), ana)
    delete_item(team.pk, actor=ana, item_id=dead.pk)
    for parent in (dead.pk, elsewhere.pk, uuid4(), str(elsewhere.pk).upper()):
        with pytest.raises(Invalid) as refused:
            make_item(team, ana, parent_id=parent)
        assert refused.value.fields == {"parent": ["There is no such work item in this calendar."]}


def test_a_parent_in_any_spelling_is_one_id_on_the_wire(team: Calendar, ana: User) -> None:
    parent = make_item(team, ana)
    for spelling in (parent.pk, str(parent.pk), str(parent.pk).upper(), parent.pk.hex, f"{{{parent.pk}}}"):
        child = make_item(team, ana, parent_id=spelling)
        assert orjson.loads(child.wire)["parent"] == str(parent.pk)


@pytest.fixture
def shallow(settings: Any) -> int:
    """Let items nest three deep below the top."""
    settings.CALENDAR_LIVE = {"MAX_DEPTH": 3}
    return conf.number("MAX_DEPTH")


def test_items_nest_as_deep_as_allowed_and_no_deeper(shallow: int, team: Calendar, ana: User) -> None:
    chain = tree(team, ana, shallow + 1)
    with pytest.raises(Invalid) as refused:
        make_item(team, ana, parent_id=chain[-1].pk)
    assert refused.value.fields == {"parent": ["Work items nest at most 3 deep."]}


def test_a_parent_is_not_put_where_its_children_would_be_too_deep(shallow: int, team: Calendar, ana: User) -> None:
    deep, high = tree(team, ana, shallow + 1), tree(team, ana, 2)
    with pytest.raises(Invalid) as refused:
        update_item(team.pk, actor=ana, item_id=deep[0].pk, changes={"parent_id": high[0].pk}, expected_state=None)
    assert refused.value.fields == {"parent": ["Work items nest at most 3 deep."]}


# --- retries ---------------------------------------------------------------------------------------------------------

KEY: Final = UUID("77777777-7777-4777-8777-777777777777")


def retried(team: Calendar, who: User, item: WorkItem) -> dict[str, Callable[[], object]]:
    return {
        "create": lambda: create_item(
            team.pk, actor=who, item_id=UUID(int=9), fields={"title": "x"} | SPAN, mutation_id=KEY
        ),
        "update": lambda: update_item(
            team.pk,
            actor=who,
            item_id=item.pk,
            changes={"title": "x"},
            expected_state=item.state,
            mutation_id=KEY,
        ),
        "replace": lambda: put_item(
            team.pk,
            actor=who,
            item_id=item.pk,
            fields={"title": "x"} | SPAN,
            expected_state=item.state,
            mutation_id=KEY,
        ),
        "delete": lambda: delete_item(team.pk, actor=who, item_id=item.pk, expected_state=item.state, mutation_id=KEY),
    }


@pytest.mark.parametrize("name", ["create", "update", "replace", "delete"])
def test_a_retry_gets_the_first_answer_though_the_item_changed_since(
    name: str, team: Calendar, ana: User, ben: User
) -> None:
    """Invariant 8. Fails when the answer is rebuilt from the row instead of the log, or the precondition is checked first."""
    item = make_item(team, ana)
    act = retried(team, ben, item)[name]
    first = act()
    if name != "delete":
        target = item.pk if name in ("update", "replace") else UUID(int=9)
        update_item(team.pk, actor=ana, item_id=target, changes={"title": "Since"}, expected_state=None)
        delete_item(team.pk, actor=ana, item_id=target)
    before = all_rows()
    assert act() == first
    assert all_rows() == before


def test_a_key_that_comes_back_with_another_request_is_refused(team: Calendar, ana: User) -> None:
    item = make_item(team, ana)
    update_item(team.pk, actor=ana, item_id=item.pk, changes={"title": "x"}, expected_state=None, mutation_id=KEY)
    before = all_rows()
    for other in (
        lambda: update_item(
            team.pk, actor=ana, item_id=item.pk, changes={"title": "y"}, expected_state=None, mutation_id=KEY
        ),
        lambda: update_item(
            team.pk, actor=ana, item_id=uuid4(), changes={"title": "x"}, expected_state=None, mutation_id=KEY
        ),
        lambda: update_item(
            team.pk, actor=ana, item_id=item.pk, changes={"title": "x"}, expected_state="1.0", mutation_id=KEY
        ),
        lambda: delete_item(team.pk, actor=ana, item_id=item.pk, mutation_id=KEY),
    ):
        with pytest.raises(KeyReused):
            other()
    assert all_rows() == before


@pytest.mark.parametrize("name", ["create", "update", "delete"])
def test_a_retry_by_one_who_lost_their_rights_is_refused(name: str, team: Calendar, ana: User, ben: User) -> None:
    """Invariant 7. Fails when the first answer is given before the rights are looked at."""
    act = retried(team, ben, make_item(team, ana))[name]
    act()
    set_role(team, member=ben, role=Role.FREEBUSY)
    with pytest.raises(Forbidden):
        act()


@pytest.mark.parametrize("name", [name for name in ACTIONS if name.startswith(("work_items.", "bulk.", "moving."))])
def test_a_calendar_that_was_deleted_takes_no_more_writes(name: str) -> None:
    world = World()
    delete_calendar(world.team.pk, actor=world.ana)
    before = all_rows()
    with pytest.raises(NotFound):
        ACTIONS[name](world, None)
    assert all_rows() == before


def test_a_calendars_first_state_can_be_verified(ana: User) -> None:
    made = create_calendar("New", actor=ana)
    assert ChangeSet.objects.get(calendar=made).state == Calendar.objects.get(pk=made.pk).state


# --- the wire and the row --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIONS)
def test_a_wire_and_a_state_say_what_their_row_says_after(name: str) -> None:
    """Fails when a row is saved after its wire was encoded, or what lies beside it (an assignment) is not in the wire."""
    ACTIONS[name](World(), None)
    for row in WorkItem.objects.prefetch_related("assignments"):
        last = ChangeSet.objects.filter(entries__item=row.pk, calendar=row.calendar_id).latest("revision")
        assert row.state == str(last.state)
        if row.deleted_at is None:
            wire = orjson.loads(row.wire)
            said = [wire[name] for name in ("state", "calendar", "title", "status", "parent", "assignees", "updatedBy")]
            parent, editor = (None if key is None else str(key) for key in (row.parent_id, row.updated_by_id))
            people = sorted(str(one.user_id) for one in row.assignments.all())
            assert said == [row.state, str(row.calendar_id), row.title, row.status, parent, people, editor]
