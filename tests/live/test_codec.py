"""Tests change sets as messages of the channel layer."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from calendar_live.live import codec
from calendar_live.protocol.changes import Actor, ChangeSet, Entry
from calendar_live.protocol.state import State

states = st.builds(State, st.integers(0, 10**18 - 1), st.from_regex(r"[0-9a-f]{16}", fullmatch=True))


@st.composite
def entries_of(draw: st.DrawFn, calendar: str) -> Entry:
    item, title = draw(st.uuids().map(str)), draw(st.none() | st.text())
    place = f'{{"id":"{item}","calendar":"{calendar}","state":"'
    wire = None if title is None else f'{place}{title}"}}'
    return Entry(item, wire, draw(st.sampled_from(["normal", "private", "secret"])))


@st.composite
def change_sets(draw: st.DrawFn) -> ChangeSet:
    calendar = draw(st.uuids().map(str))
    entries = draw(st.none() | st.lists(entries_of(calendar), max_size=4).map(tuple))
    actor = draw(st.none() | st.builds(Actor, st.text(), st.text()))
    return ChangeSet(calendar, draw(states), draw(states), entries, actor, draw(st.none() | st.uuids().map(str)))


@given(change_sets())
def test_a_change_set_survives_the_layer(change_set: ChangeSet) -> None:
    """This includes the layers' own encoding, msgpack, in which a tuple returns as a list."""
    from channels_redis.serializers import registry  # noqa: PLC0415 - belongs to the layer for Redis

    serializer = registry.get_serializer("msgpack", symmetric_encryption_keys=None)
    message = serializer.deserialize(serializer.serialize(dict(codec.encode(change_set))))
    assert codec.decode(message) == change_set


def test_a_large_set_is_sent_by_its_states_alone(settings: Any) -> None:
    settings.CALENDAR_LIVE = {"MAX_BROADCAST_BYTES": 100}
    for size, whole in ((100, True), (101, False)):
        message = codec.encode(
            ChangeSet("c", State(0, "0" * 16), State(1, "1" * 16), (Entry(str(uuid4()), "x" * size),))
        )
        assert (message["entries"] is not None) is whole
