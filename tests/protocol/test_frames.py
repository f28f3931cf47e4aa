"""Tests that frames are exactly as in tests/contract, in both directions, and that no client text breaks the parser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_live import wording
from calendar_live.errors import CalendarLiveError, Malformed
from calendar_live.protocol import frames
from calendar_live.protocol.changes import Actor, ChangeSet, Entry
from calendar_live.protocol.rights import Access
from calendar_live.protocol.state import State
from tests.protocol import golden

OLD: Final = State(41, "00000000000000aa")
NEW: Final = State(42, "00000000000000bb")
TIMED: Final = Entry(golden.TIMED, golden.wire("timed"))
ALL_DAY: Final = Entry(golden.ALL_DAY, golden.wire("all-day"))


def change_set(*entries: Entry, by_ana: bool = True) -> ChangeSet:
    actor, mutation = (Actor("1", "Ana"), golden.MUTATION) if by_ana else (None, None)
    return ChangeSet(golden.CALENDAR, OLD, NEW, entries, actor, mutation)


def only(texts: list[str] | None) -> str:
    assert texts is not None
    [text] = texts
    return text


def first_of_two() -> str:
    # Two wires that do not fit into one chunk. The first one is the golden wire.
    filler = json.dumps(json.loads(golden.wire("all-day")) | {"description": "x" * frames.CHUNK_BYTES})
    texts = frames.changes(change_set(TIMED, Entry(golden.ALL_DAY, filler)), "full")
    assert texts is not None
    assert len(texts) == 2
    return texts[0]


SERVER_FRAMES: Final[dict[str, Callable[[], str]]] = {
    "hello": lambda: frames.hello(heartbeat_seconds=25),
    "subscribed": lambda: frames.subscribed(id=1, calendar=golden.CALENDAR, state=NEW, access=Access("full", 7)),
    "changes: upserted": lambda: only(frames.changes(change_set(TIMED), "full")),
    "changes: an all-day item upserted by no user": lambda: only(
        frames.changes(change_set(ALL_DAY, by_ana=False), "full")
    ),
    "changes: destroyed": lambda: only(frames.changes(change_set(Entry(golden.TIMED, None)), "full")),
    "changes: parent and children destroyed as one": lambda: only(
        frames.changes(change_set(Entry(golden.TIMED, None), Entry(golden.ALL_DAY, None)), "full")
    ),
    "changes: first chunk of two": first_of_two,
    "changes: empty, so that the chain advances": lambda: only(
        frames.changes(change_set(Entry(golden.TIMED, golden.wire("timed"), "secret")), "shared")
    ),
    "changes: not yet true, in a replay": lambda: only(
        frames.changes(replace(change_set(by_ana=False), until=State(44, "00000000000000dd")), "full")
    ),
    "changes: as busy": lambda: only(
        frames.changes(change_set(Entry(golden.TIMED, golden.wire("timed"), "private")), "shared")
    ),
    "changes: by a public link": lambda: only(frames.changes(change_set(TIMED), "public")),
    "calendar: created, shared, renamed, recoloured, or in another role": lambda: frames.calendar(
        next(case["frame"]["calendar"] for case in golden.load("server-frames") if case["name"].startswith("calendar:"))
    ),
    "head": lambda: frames.head({golden.CALENDAR: NEW}),
    "rights: withdrawn": lambda: frames.rights_withdrawn(calendar=golden.CALENDAR),
    "pong": frames.pong,
    "reconnect": lambda: frames.reconnect(spread_ms=10_000),
    "error: answer to a subscribe": lambda: frames.error("forbidden", "You may not do this.", id=1),
    "error: of no readable frame": lambda: frames.error("malformed", "The frame is not JSON."),
} | {
    f"reset: {reason}": (lambda reason=reason: frames.reset(calendar=golden.CALENDAR, reason=reason, spread_ms=2000))
    for reason in ("pruned", "diverged", "bulk", "rights")
}


def test_the_server_has_a_function_for_every_golden_frame() -> None:
    assert {case["name"] for case in golden.load("server-frames")} == SERVER_FRAMES.keys()


@pytest.mark.parametrize("name", SERVER_FRAMES)
def test_the_server_says_a_frame_exactly_as_in_the_contract(name: str) -> None:
    expected = next(case["frame"] for case in golden.load("server-frames") if case["name"] == name)
    said = json.loads(SERVER_FRAMES[name]())
    assert said == expected
    assert list(said) == list(expected), "clients do not depend on the order, people who read logs do"


PARSED: Final[dict[str, frames.ClientFrame]] = {
    "subscribe: first": frames.Subscribe(1, golden.CALENDAR, None, None),
    "subscribe: resume": frames.Subscribe(2, golden.CALENDAR, OLD, Access("full", 7)),
    "unsubscribe": frames.Unsubscribe(golden.CALENDAR),
    "ack": frames.Ack({golden.CALENDAR: NEW}),
    "ping": frames.Ping(),
}


@pytest.mark.parametrize("case", golden.load("client-frames"), ids=lambda case: case["name"])
def test_the_server_understands_a_client_frame_of_the_contract(case: dict[str, Any]) -> None:
    assert frames.parse(json.dumps(case["frame"])) == PARSED[case["name"]]


@pytest.mark.parametrize("case", golden.load("malformed-client-frames"), ids=lambda case: case["name"])
def test_the_server_refuses_a_malformed_frame_in_the_words_of_the_contract(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed) as refused:
        frames.parse(case["text"])
    assert wording.detail(refused.value) == case["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "1e999",
        "\x00",
        '"\ud800"',
        '{"type": "\\ud800"}',
        "[" * 100_000,
        '{"type":' * 2_000,
        '{"type": {"type": "ping"}}',
        '{"type": ["ping"]}',
        '{"type": "ping", "type": "pong"}',
        '{"type":"subscribe","id":9007199254740992,"calendar":"CALENDAR","state":null,"access":null}',
        '{"type":"subscribe","id":1.0,"calendar":"CALENDAR","state":null,"access":null}',
        '{"type":"subscribe","id":1,"calendar":"CALENDAR\\n","state":null,"access":null}',
        '{"type":"subscribe","id":1,"calendar":"CALENDAR",'
        '"state":"9999999999999999999.00000000000000aa","access":null}',
        '{"type":"subscribe","id":1,"calendar":"CALENDAR","state":"٤١.00000000000000aa","access":null}',
        '{"type":"ack","states":{"team":"1.00000000000000aa"}}',
        '{"type":"ack","states":{"CALENDAR":null}}',
    ],
)
def test_the_server_refuses_a_hostile_frame_when_it_is_parsed(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        frames.parse(text.replace("CALENDAR", golden.CALENDAR))
    json.loads(frames.error(refused.value.code, wording.detail(refused.value)))  # the refusal can be encoded as a frame


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
SPICE: Final = st.sampled_from(["", golden.CALENDAR, str(OLD), "full.7", "subscribe", "ping", "\n", "\x00"])
FIELD: Final = SPICE | st.text() | JSON


def assert_parsed_or_refused(text: str) -> None:
    try:
        parsed = frames.parse(text)
    except CalendarLiveError as failure:
        json.loads(frames.error(failure.code, wording.detail(failure)))
    else:
        assert isinstance(parsed, frames.ClientFrame)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    assert_parsed_or_refused(text)


@given(JSON)
def test_any_json_is_parsed_or_refused(value: object) -> None:
    assert_parsed_or_refused(json.dumps(value))


@given(
    kind=st.sampled_from(["subscribe", "unsubscribe", "ack", "ping"]),
    fields=st.fixed_dictionaries({"id": FIELD, "calendar": FIELD, "state": FIELD, "access": FIELD}),
    states=st.dictionaries(SPICE | st.text(), FIELD) | FIELD,
)
def test_any_value_in_a_known_field_is_parsed_or_refused(kind: str, fields: dict[str, object], states: object) -> None:
    shapes: dict[str, dict[str, object]] = {
        "subscribe": fields,
        "unsubscribe": {"calendar": fields["calendar"]},
        "ack": {"states": states},
        "ping": {},
    }
    assert_parsed_or_refused(json.dumps({"type": kind} | shapes[kind]))


@given(
    id=st.integers(0, 2**53 - 1),
    state=st.none() | st.builds(State, st.integers(0, 10**18 - 1), st.from_regex(r"[0-9a-f]{16}", fullmatch=True)),
    access=st.none()
    | st.builds(Access, st.sampled_from(["full", "shared", "public", "freebusy"]), st.integers(0, 10**18 - 1)),
    calendar=st.uuids().map(str),
)
def test_a_subscribe_survives_the_wire(id: int, state: State | None, access: Access | None, calendar: str) -> None:
    said = {
        "type": "subscribe",
        "id": id,
        "calendar": calendar,
        "state": None if state is None else str(state),
        "access": None if access is None else str(access),
    }
    assert frames.parse(json.dumps(said)) == frames.Subscribe(id, calendar, state, access)


# --- chunks ----------------------------------------------------------------------------------------------------------


def wire_of(item: str, *, size: int) -> str:
    return orjson.dumps({"id": item, "title": "x" * size}).decode()


@given(
    sizes=st.lists(st.none() | st.integers(0, 30_000) | st.integers(200, 400), max_size=60),
)
def test_chunks_together_say_the_whole_set_and_each_fits_when_items_fit(sizes: list[int | None]) -> None:
    """S4. Fails when a chunk has CHUNK_BYTES of wires and no room for the frame's own fields, or loses its rest."""
    ids = [f"{number:08d}-2222-4222-8222-222222222222" for number in range(len(sizes))]
    entries = [
        Entry(item, None if size is None else wire_of(item, size=size)) for item, size in zip(ids, sizes, strict=True)
    ]
    texts = frames.changes(change_set(*entries), "full")
    if texts is None:
        assert sum(size or 0 for size in sizes) > frames.BULK_BYTES - 100 * len(sizes)
        return
    said = [json.loads(text) for text in texts]
    assert [frame["more"] for frame in said] == [True] * (len(said) - 1) + [False]
    assert {(frame["oldState"], frame["newState"], frame["mutationId"]) for frame in said} == {
        (str(OLD), str(NEW), golden.MUTATION)
    }
    assert [one["id"] for frame in said for one in frame["upserted"]] == [
        item for item, size in zip(ids, sizes, strict=True) if size is not None
    ]
    assert [one for frame in said for one in frame["destroyed"]] == [
        item for item, size in zip(ids, sizes, strict=True) if size is None
    ]
    assert all(len(text.encode()) <= frames.CHUNK_BYTES for text in texts)


def test_many_small_wires_fit_their_chunk_with_their_commas_and_the_longest_name() -> None:
    """S4. Fails when commas are not counted, or when no room is left for the frame's own fields."""
    entries = [Entry(golden.TIMED, '{"id":"a small wire"}') for _ in range(9_999)]
    actor = Actor("1", "😀" * 301)  # Django allows 150 characters for each of the two names
    texts = frames.changes(ChangeSet(golden.CALENDAR, OLD, NEW, tuple(entries), actor, golden.MUTATION), "full")
    assert texts is not None
    assert len(texts) > 1
    assert max(len(text.encode()) for text in texts) <= frames.CHUNK_BYTES
    assert sum(len(json.loads(text)["upserted"]) for text in texts) == 9_999


def quoted(letter: str, size: int) -> Entry:
    """Return an entry whose wire takes `size` bytes."""
    room = size - len('""')
    return Entry(golden.TIMED, '"' + letter * (room // len(letter.encode())) + '"')


@pytest.mark.parametrize(
    ("entries", "pushed"),
    [
        ([Entry(golden.TIMED, None)] * 10_000, True),
        ([Entry(golden.TIMED, None)] * 10_001, False),
        ([quoted("x", 512 * 1024)], True),
        ([quoted("x", 512 * 1024 + 1)], False),
        ([quoted("é", 512 * 1024)], True),
        ([quoted("é", 512 * 1024 + 2)], False),
    ],
    ids=["10,000 entries", "one more", "512 kB", "one byte more", "512 kB of two bytes each", "one letter more"],
)
def test_a_set_is_pushed_up_to_its_limits_and_no_further(entries: list[Entry], pushed: bool) -> None:
    assert (frames.changes(change_set(*entries), "full") is not None) is pushed


def test_a_set_without_entries_is_too_large_to_push() -> None:
    assert frames.changes(ChangeSet(golden.CALENDAR, OLD, NEW, None), "full") is None
