"""Tests redaction: each rights class reads exactly its share of wires in which every field could leak (invariant 7)."""

from __future__ import annotations

import json
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_live.protocol import frames, wires
from calendar_live.protocol.changes import Actor, ChangeSet, Entry, Seen, merged, seen_by
from calendar_live.protocol.fields import NEUTRAL
from calendar_live.protocol.rights import JUST_HIDDEN, Rights, redact
from calendar_live.protocol.state import State
from tests.protocol import golden

LEAK: Final = "LEAK"
BUSY_FIELDS: Final = {"id", "calendar", "state", "start", "end", "allDay", "timeZone", "rrule", "exdates", "busy"}


def telling_wire(**more: Any) -> str:
    """Return a wire with LEAK in every field that a busy receiver must not read, and with fields of future versions."""
    whole = json.loads(golden.wire("timed")) | {
        name: "x" for name in NEUTRAL if name not in json.loads(golden.wire("timed"))
    }
    told = {name: value if name in BUSY_FIELDS else f"{LEAK} {name}" for name, value in whole.items()}
    return json.dumps(told | {"futureField": LEAK, "attendeeEmails": [LEAK], "nested": {"note": LEAK}} | more)


# Public links read these besides the busy fields: no people, no parent, and no fields that a source adds.
PUBLIC_FIELDS: Final = {
    *("title", "color", "workType", "status", "priority", "progress", "visibility", "description", "location", "tags"),
    *("seriesId", "recurrenceId", "url"),
}

TABLE: Final[list[tuple[Rights, str, str]]] = [
    ("full", "normal", "whole"),
    ("full", "private", "whole"),
    ("full", "secret", "whole"),
    ("shared", "normal", "no parent"),
    ("shared", "private", "busy"),
    ("shared", "secret", "absent"),
    ("public", "normal", "no people"),
    ("public", "private", "busy"),
    ("public", "secret", "absent"),
    ("freebusy", "normal", "busy"),
    ("freebusy", "private", "busy"),
    ("freebusy", "secret", "absent"),
]


def test_the_table_has_every_class_and_visibility() -> None:
    assert {(rights, visibility) for rights, visibility, _ in TABLE} == {
        (rights, visibility) for rights in get_args(Rights) for visibility in ("normal", "private", "secret")
    }


@pytest.mark.parametrize(("rights", "visibility", "reads"), TABLE)
def test_a_receiver_reads_its_share_of_a_telling_wire(rights: Rights, visibility: str, reads: str) -> None:
    """Invariant 7. Fails when busy wires are made by a list of fields to leave out, or when two rows are swapped."""
    wire = telling_wire()
    seen = redact(wire, visibility, rights)
    if reads == "whole":
        assert seen == wire, "the very bytes"
    elif reads == "absent":
        assert seen is None
    elif reads == "no parent":
        told = json.loads(wire)
        del told["parent"]
        assert json.loads(seen or "") == told
    elif reads == "no people":
        told = json.loads(seen or "")
        assert {name for name, value in told.items() if LEAK in str(value)} == PUBLIC_FIELDS
        assert {name: told[name] for name in told.keys() - PUBLIC_FIELDS} == {
            name: json.loads(wire)[name] for name in BUSY_FIELDS - {"busy"}
        } | {"assignees": []}
    else:
        assert seen is not None
        assert LEAK not in seen
        assert json.loads(seen).keys() == BUSY_FIELDS | {"title"}
        assert json.loads(seen)["title"] == "Busy"
        assert json.loads(seen)["busy"] is True


@pytest.mark.parametrize("rights", get_args(Rights))
@pytest.mark.parametrize("visibility", ["normal", "private"])
def test_a_wire_of_the_version_before_is_sent_as_one_of_this(rights: Rights, visibility: str) -> None:
    """Byte for byte, because feed and push must not differ. Seen failing when `full` receivers get the stored bytes."""
    for name in ("timed", "all-day"):
        sent = redact(golden.old_wire(name), visibility, rights)
        assert sent == redact(golden.wire(name), visibility, rights)
        assert "null" not in str(sent)


def test_a_wire_without_nulls_is_sent_as_it_is() -> None:
    """Also if its text contains ":null", or if a field that its source adds contains nulls."""
    for more in ({"title": 'say ":null, }'}, {"room": {"floor": None}}):
        wire = wires.encode(json.loads(golden.wire("timed")) | more)
        assert redact(wire, "normal", "full") == wire
        assert json.loads(redact(wire, "normal", "shared") or "") == json.loads(wire)


def test_a_public_wire_is_the_contracts() -> None:
    """Seen failing when `public` is redacted like `shared`, and when its fields are not in the event object's order."""
    told = json.loads(golden.wire("timed")) | {"parent": golden.ALL_DAY, "assignees": ["1", "2"]}
    assert redact(json.dumps(told), "normal", "public") == golden.wire("public")


def test_a_busy_wire_is_the_contracts() -> None:
    busy = redact(golden.wire("timed"), "private", "shared")
    assert busy is not None
    assert json.loads(busy) == json.loads(golden.wire("busy"))


def test_an_unknown_visibility_is_not_read_whole_by_viewers() -> None:
    assert redact(telling_wire(), "confidential", "shared") != telling_wire()
    assert LEAK not in (redact(telling_wire(), "confidential", "freebusy") or "")


@given(
    visibilities=st.lists(st.sampled_from(["normal", "private", "secret"]), max_size=6),
    rights=st.sampled_from(["shared", "public", "freebusy"]),
)
def test_no_frame_tells_what_its_receiver_may_not_read(visibilities: list[str], rights: Rights) -> None:
    entries = tuple(
        Entry(golden.TIMED, telling_wire(title=f"{LEAK}" if rights == "freebusy" or one != "normal" else "open"), one)
        for one in visibilities
        if not (rights != "freebusy" and one == "normal")
    )
    change_set = ChangeSet(golden.CALENDAR, State(1, "0" * 16), State(2, "1" * 16), entries, None, None)
    assert LEAK not in "".join(frames.changes(change_set, rights) or [])


@pytest.mark.parametrize("rights", ["public", "freebusy"])
def test_who_may_know_of_no_people_is_not_told_who_made_a_change(rights: Rights) -> None:
    """GET /api/calendars/ gives them no people either. Seen failing when only `freebusy` frames lack the name."""
    change_set = ChangeSet(
        golden.CALENDAR,
        State(1, "0" * 16),
        State(2, "1" * 16),
        (Entry(golden.TIMED, golden.wire("timed")),),
        Actor("1", LEAK),
        golden.MUTATION,
    )
    assert LEAK not in "".join(frames.changes(change_set, rights) or [])
    assert LEAK in "".join(frames.changes(change_set, "shared") or []), "the data could leak"


@pytest.mark.parametrize("rights", ["shared", "public", "freebusy"])
def test_who_may_not_know_of_a_secret_item_is_not_told_who_works_on_it(rights: Rights) -> None:
    """Seen failing when an empty frame names who made the change."""
    hidden = Entry(golden.TIMED, golden.wire("timed"), "secret")
    old, new, actor = State(1, "0" * 16), State(2, "1" * 16), Actor("1", LEAK)
    [empty] = frames.changes(ChangeSet(golden.CALENDAR, old, new, (hidden,), actor, golden.MUTATION), rights) or []
    assert LEAK not in empty
    assert golden.MUTATION not in empty
    told = frames.changes(ChangeSet(golden.CALENDAR, old, new, (hidden,), actor, golden.MUTATION), "full") or []
    assert LEAK in "".join(told), "the data could leak"


def test_what_became_secret_reads_as_destroyed() -> None:
    entries = (Entry(golden.TIMED, golden.wire("timed"), JUST_HIDDEN), Entry(golden.ALL_DAY, None))
    assert seen_by(entries, "full").destroyed == (golden.ALL_DAY,)
    assert seen_by(entries, "shared") == seen_by(entries, "public") == seen_by(entries, "freebusy")
    assert set(seen_by(entries, "shared").destroyed) == {golden.TIMED, golden.ALL_DAY}
    assert seen_by(entries, "shared").upserted == ()


@pytest.mark.parametrize("rights", ["shared", "public", "freebusy"])
def test_who_may_not_know_of_a_secret_item_is_not_told_its_id(rights: Rights) -> None:
    entries = (Entry(golden.TIMED, golden.wire("timed"), "secret"), Entry(golden.ALL_DAY, None, "secret"))
    assert seen_by(entries, rights) == Seen((), ())
    assert seen_by(entries, "full") == Seen((golden.wire("timed"),), (golden.ALL_DAY,))


def test_two_entries_of_an_item_make_one_for_who_has_seen_neither() -> None:
    shown, hidden = Entry("1", "w"), Entry("1", "v", "secret")
    assert merged(None, hidden) == hidden
    assert merged(hidden, Entry("1", None, "secret")).visibility == "secret"
    assert merged(hidden, shown) == shown
    assert merged(shown, hidden) == Entry("1", "v", JUST_HIDDEN)
    assert merged(Entry("1", "v", JUST_HIDDEN), Entry("1", None, "secret")) == Entry("1", None, JUST_HIDDEN)
