"""Tests every service for every rights class: an old snapshot plus the service's frames equals a fresh feed.

A service that fails leaves no trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, get_args
from uuid import UUID

import orjson
import pytest
from django.db import DatabaseError, connection
from django.test import override_settings

from calendar_live import changelog
from calendar_live.access import Standing
from calendar_live.errors import Forbidden, KeyReused, NotFound
from calendar_live.models import Calendar, ChangeSet, Invitation, Membership, PublicLink, Role
from calendar_live.protocol import frames
from calendar_live.protocol.changes import ChangeSet as Pushed
from calendar_live.protocol.rights import Access, Rights
from calendar_live.reading import feed
from calendar_live.schedule.ranges import EARLIEST, LATEST, Range
from calendar_live.services.calendars import remove_member, set_role
from tests.recording import all_rows, told_receivers
from tests.services.world import (
    ACTIONS,
    COMMANDS,
    READING_COMMANDS,
    SERVICES,
    WITH_MUTATION_ID,
    WRITING_ITEMS,
    World,
    all_commands,
    the_world,
)

pytestmark = pytest.mark.django_db(transaction=True)

ALWAYS = feed.Query(Range(EARLIEST, LATEST))
KEY = UUID("77777777-0000-4000-8000-000000000001")
Picture = dict[str, dict[str, Any]]
# The rights classes that must not know about secret items.
CLASSES: Final[tuple[Rights, ...]] = ("shared", "public", "freebusy")


def test_no_service_is_missing_here() -> None:
    assert {name.split(",")[0] for name in ACTIONS} == set(SERVICES)


def test_no_command_is_missing_here() -> None:
    assert COMMANDS.keys() | READING_COMMANDS == all_commands()


@contextmanager
def pushes() -> Iterator[list[Pushed]]:
    """Collect the change sets that are announced inside the context."""
    heard: list[Pushed] = []

    def hear(*, change_set: Pushed, **_: Any) -> None:
        heard.append(change_set)

    changelog.change_committed.connect(hear)
    try:
        yield heard
    finally:
        changelog.change_committed.disconnect(hear)


def fresh(calendar: Calendar, rights: Rights) -> bytes:
    """Return a fresh feed of everything for one rights class, without the cache."""
    row = Calendar.objects.get(pk=calendar.pk)
    standing = Standing(str(row.pk), "", Access(rights, 1), row.state)
    return feed._compute(standing, ALWAYS)[1].partition(b"\n")[2]


def as_picture(body: bytes) -> Picture:
    return {item["id"]: item for item in orjson.loads(body)}


def as_body(picture: Picture) -> bytes:
    return b"[" + b",".join(orjson.dumps(picture[key]) for key in sorted(picture)) + b"]"


def apply(picture: Picture, heard: list[Pushed], calendar: Calendar, rights: Rights) -> None:
    """Apply the frames that one rights class receives for a calendar to a picture (rule C3, without its checks)."""
    for change_set in heard:
        if change_set.calendar != str(calendar.pk):
            continue
        texts = frames.changes(change_set, rights)
        assert texts is not None, "too large for this test"
        for frame in map(orjson.loads, texts):
            for item in frame["upserted"]:
                picture[item["id"]] = item
            for key in frame["destroyed"]:
                picture.pop(key, None)


def verify(world: World, act: Callable[[], object]) -> list[Pushed]:
    """Assert that the frames of an action turn every old snapshot into the fresh feed. Return its change sets."""
    before = {
        (calendar, rights): fresh(calendar, rights) for calendar in world.calendars for rights in get_args(Rights)
    }
    with pushes() as heard:
        act()
    for (calendar, rights), body in before.items():
        picture = as_picture(body)
        apply(picture, heard, calendar, rights)
        assert as_body(picture) == fresh(calendar, rights), f"{calendar} for {rights}"
    return heard


@pytest.mark.parametrize("name", ACTIONS)
def test_frames_of_a_service_make_an_old_snapshot_the_fresh_feed(name: str) -> None:
    """Invariant 2. Seen failing when `bury` logs the item alone and not the items that were deleted with it."""
    world = the_world()
    verify(world, lambda: ACTIONS[name](world, None))


@pytest.mark.parametrize("name", ACTIONS)
def test_a_secret_item_is_never_named_to_who_may_not_know_of_it(name: str) -> None:
    """Invariant 7: neither its wire nor its id is in a frame, unless the receiver saw it before or sees it from now on.

    Seen failing when `seen_by` names secret items as destroyed.
    """
    world = the_world()

    def shown(rights: Rights) -> set[str]:
        return {key for calendar in world.calendars for key in as_picture(fresh(calendar, rights))}

    seen = {rights: shown(rights) for rights in CLASSES}
    with pushes() as heard:
        ACTIONS[name](world, None)
    for rights in CLASSES:
        known = seen[rights] | shown(rights)
        named = set()
        for change_set in heard:
            for frame in map(orjson.loads, frames.changes(change_set, rights) or ()):
                named |= {item["id"] for item in frame["upserted"]} | set(frame["destroyed"])
        assert str(world.secret.pk) not in named - known, rights
        assert named <= known | {str(world.gone.pk)}, rights


@pytest.mark.parametrize("name", COMMANDS)
def test_frames_of_a_command_make_an_old_snapshot_the_fresh_feed(name: str) -> None:
    """Invariant 2, for the commands that operators run."""
    world = the_world()
    with override_settings(DEBUG=True):  # without DEBUG, the demo is refused
        verify(world, lambda: COMMANDS[name](world))


@pytest.mark.parametrize("name", ACTIONS)
def test_a_service_writes_one_change_set_per_calendar(name: str) -> None:
    """Invariant 9."""
    world = the_world()
    heads = {calendar.pk: Calendar.objects.get(pk=calendar.pk).revision for calendar in world.calendars}
    logged = ChangeSet.objects.count()
    with pushes() as heard:
        ACTIONS[name](world, None)
    assert len({one.calendar for one in heard}) == len(heard)
    new = ChangeSet.objects.count() - logged - (name == "create_calendar")  # a new calendar's first row
    assert new == len(heard)
    for calendar in world.calendars:
        bumps = Calendar.objects.get(pk=calendar.pk).revision - heads[calendar.pk]
        assert bumps == len([one for one in heard if one.calendar == str(calendar.pk)])


def shared(calendar: Calendar) -> list[tuple[Any, ...]]:
    """Return all that the page shows an owner about sharing: members, roles, offers, invitations and public links."""
    rows: list[tuple[Any, ...]] = list(
        Membership.objects.filter(calendar=calendar)
        .order_by("pk")
        .values_list("user_id", "role", "offered_by", "hands_over")
    )
    for model in (Invitation, PublicLink):
        rows += model._default_manager.filter(calendar=calendar).order_by("pk").values_list()
    return rows


@pytest.mark.parametrize("name", ACTIONS)
def test_a_service_that_changes_who_shares_a_calendar_counts_it_and_tells_its_owners(name: str) -> None:
    """Seen failing without `tell_of_sharing` in `withdraw`, `mark_mailed` and `create_link`, and without its owners."""
    world = the_world()
    versions = dict(Calendar.objects.values_list("pk", "sharing_version"))
    before = {calendar.pk: shared(calendar) for calendar in world.calendars}
    with told_receivers() as told:
        ACTIONS[name](world, None)
    for calendar in world.calendars:
        version = Calendar.objects.values_list("sharing_version", flat=True).get(pk=calendar.pk)
        assert (version > versions[calendar.pk]) == (shared(calendar) != before[calendar.pk])
        if version > versions[calendar.pk]:
            owners = Membership.objects.filter(calendar=calendar, role=Role.OWNER).values_list("user_id", flat=True)
            assert {f"user.{owner}" for owner in owners} <= {one for receivers in told for one in receivers}


class _Crash:
    """Makes the n-th statement that reaches the database fail."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            raise DatabaseError("the power went out")
        return execute(sql, params, many, context)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_service_leaves_no_trace_when_any_statement_fails(name: str) -> None:
    """Invariant 9. Seen failing when `change` runs without its `transaction.atomic()`."""
    world = the_world()
    before = all_rows("auth")
    crashes = 0
    while True:
        crash = _Crash(crashes + 1)
        with pushes() as heard:
            try:
                with connection.execute_wrapper(crash):
                    ACTIONS[name](world, None)
            except DatabaseError:
                crashes += 1
            else:
                break
        assert heard == []
        assert all_rows("auth") == before
    assert crashes > 0


@pytest.mark.parametrize("name", WITH_MUTATION_ID)
def test_a_retry_gets_the_first_answer_and_changes_nothing(name: str) -> None:
    """Invariant 8."""
    world = the_world()
    first = ACTIONS[name](world, KEY)
    after = all_rows("auth")
    with pushes() as heard:
        assert ACTIONS[name](world, KEY) == first
    assert heard == []
    assert all_rows("auth") == after


@pytest.mark.parametrize("name", WRITING_ITEMS)
def test_a_key_with_another_request_is_refused(name: str) -> None:
    world = the_world()
    ACTIONS[name](world, KEY)
    other = "delete_items" if name != "delete_items" else "delete_item"
    after = all_rows("auth")
    with pytest.raises(KeyReused):
        ACTIONS[other](world, KEY)
    assert all_rows("auth") == after


@pytest.mark.parametrize("name", WRITING_ITEMS)
@pytest.mark.parametrize("another", [False, True])
def test_a_known_key_tells_who_lost_their_rights_nothing(name: str, another: bool) -> None:
    """Invariant 7: they learn neither the first answer nor that the key was used.

    Seen failing when either is checked before the rights.
    """
    world = the_world()
    first = "delete_items" if name != "delete_items" else "delete_item"
    ACTIONS[first if another else name](world, KEY)
    set_role(world.other, member=world.ben, role=Role.VIEWER)
    if name != "move_item":
        remove_member(world.team, member=world.ben)
    after = all_rows("auth")
    with pytest.raises(Forbidden if name == "move_item" else NotFound):
        ACTIONS[name](world, KEY)
    assert all_rows("auth") == after
