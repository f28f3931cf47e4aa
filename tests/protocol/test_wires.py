"""Tests that an event object's fault is named by its field before it is encoded, and that unsound wires are noticed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import pytest

from calendar_live.protocol import wires
from calendar_live.protocol.fields import SETTABLE
from tests.protocol import golden

PLACE: Final = ("id", "calendar", "state")
TIMED: Final = wires.whole(golden.wire("timed"))


def fault_of(event: dict[str, Any]) -> str | None:
    return wires.fault_of(event, {name: TIMED[name] for name in PLACE})


@pytest.mark.parametrize("name", ["timed", "all-day", "public"])
def test_a_golden_event_object_has_no_fault(name: str) -> None:
    event = wires.whole(golden.wire(name))
    assert wires.fault_of(event, {name: event[name] for name in PLACE}) is None


@pytest.mark.parametrize("case", golden.load("malformed-wires"), ids=lambda case: str(case["changes"]))
def test_what_a_client_refuses_is_refused_before_it_is_written(case: dict[str, Any]) -> None:
    """The page's guard refuses the same cases. Seen failing without each of the lines in the table of fields."""
    fault = fault_of(TIMED | case["changes"])
    assert fault is not None
    assert fault.startswith(f"{case['field']} is ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": datetime(2026, 11, 23, 9, tzinfo=UTC)}, "start is '2026-11-23 09:00:00+00:00' (datetime)"),
        ({"progress": 101}, "progress is '101' (int); it must be a whole number from 0 to 100"),
        ({"visibility": "hidden"}, "visibility is 'hidden' (str); it must be 'normal', 'private' or 'secret'"),
        ({"id": "another"}, "id is 'another' (str); it must be left out"),
        ({"busy": False}, "busy must be left out"),
    ],
)
def test_a_fault_says_what_was_given_and_what_it_must_be(changes: dict[str, Any], said: str) -> None:
    fault = fault_of(TIMED | changes)
    assert fault is not None
    assert said in fault


def test_a_key_that_is_no_uuid_is_a_fault() -> None:
    """Seen failing: the log raised ValueError, "badly formed hexadecimal UUID string", after the row was written."""
    assert wires.fault_of(TIMED | {"id": "7"}, {"id": "7"}) == "id is '7' (str); it must be a lower-case UUID"


def test_values_that_are_encoded_as_text_are_none() -> None:
    assert fault_of(TIMED | {"parent": UUID(int=1), "createdBy": UUID(int=2), "room": {"number": 4}}) is None


@pytest.mark.parametrize(
    "wire",
    [
        "",
        "{}",
        golden.wire("timed")[1:],
        golden.wire("timed")[:-1],
        golden.wire("timed").replace(golden.CALENDAR, golden.ALL_DAY),
        golden.wire("all-day"),
    ],
)
def test_a_wire_of_another_row_or_of_none_is_not_sound(wire: str) -> None:
    assert not wires.is_sound(wire, item=golden.TIMED, calendar=golden.CALENDAR)


def test_a_wire_that_a_source_wrote_is_sound() -> None:
    assert wires.is_sound(golden.wire("timed"), item=UUID(golden.TIMED), calendar=golden.CALENDAR)


@pytest.mark.parametrize("name", ["timed", "all-day", "public"])
def test_each_version_reads_what_the_other_stores(name: str) -> None:
    """The contract's files contain exactly what this version and the version before store for the same item."""
    old = json.dumps(json.loads(golden.old_wire(name)), separators=(",", ":"))
    assert wires.bare(old) == wires.bare(golden.wire(name)) == golden.wire(name)
    assert wires.with_nulls(golden.wire(name)) == wires.with_nulls(old)
    assert wires.with_nulls(old).replace('"tags":[],', "") == old, "what it does not know, it does not mind"
    assert wires.whole(old) == wires.whole(golden.wire(name))


def test_what_a_client_may_set_is_the_contracts() -> None:
    """The page's declaration is compared with the same file. A field that only one of them knows is never undone."""
    assert [field.name for field in SETTABLE] == json.loads((golden.CONTRACT / "settable-fields.json").read_text())
