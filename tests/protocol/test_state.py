"""Tests that each state and each access token has one spelling, and that no other text is accepted as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calendar_live.errors import Malformed
from calendar_live.protocol.rights import Access
from calendar_live.protocol.state import State


@given(st.integers(0, 10**18 - 1), st.from_regex(r"[0-9a-f]{16}", fullmatch=True))
def test_a_state_reads_as_it_was_written(revision: int, nonce: str) -> None:
    assert State.parse(str(State(revision, nonce))) == State(revision, nonce)


@given(st.text())
def test_a_text_is_a_state_only_when_it_is_its_one_spelling(text: str) -> None:
    try:
        state = State.parse(text)
    except Malformed:
        return
    assert str(state) == text


@pytest.mark.parametrize(
    "token",
    [
        "",
        "1",
        "1.",
        ".00000000000000aa",
        "01.00000000000000aa",
        "-1.00000000000000aa",
        "+1.00000000000000aa",
        "1.00000000000000AA",
        "1.00000000000000a",
        "1.00000000000000aaa",
        "1.00000000000000aa\n",
        " 1.00000000000000aa",
        "1234567890123456789.00000000000000aa",
        "١.00000000000000aa",
        '"1.00000000000000aa"',
    ],
)
def test_what_only_resembles_a_state_is_malformed(token: str) -> None:
    with pytest.raises(Malformed):
        State.parse(token)


def test_states_of_two_histories_differ_though_their_revision_is_the_same() -> None:
    assert State(7, "00000000000000aa") != State(7, "00000000000000bb")


@pytest.mark.parametrize("token", ["full.7", "public.3", "shared.0", "freebusy.123456789012345678"])
def test_an_access_token_reads_as_it_was_written(token: str) -> None:
    assert str(Access.parse(token)) == token


@pytest.mark.parametrize(
    "token", ["", "full", "full.", "Full.7", "root.1", "full.-1", "full.7\n", "full.٧", "full.7.8"]
)
def test_what_only_resembles_an_access_token_is_malformed(token: str) -> None:
    with pytest.raises(Malformed):
        Access.parse(token)
