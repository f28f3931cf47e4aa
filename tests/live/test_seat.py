"""Tests who may open a connection, when its rights are read again, and when it is signed out: each rule as a table.

Every rule was seen failing. The docstrings name the mutations of live/seat.py.
"""

from __future__ import annotations

import math
from typing import Final

import pytest

from calendar_live.access.receivers import Receiver
from calendar_live.errors import SignedOut, TooMany
from calendar_live.live.seat import RETRY_SECONDS, Check, Seat, Seats
from calendar_live.reading.grant import CalendarView, Grant

ANA, BEN, LINK = Receiver("user", "1"), Receiver("user", "2"), Receiver("link", "3")
MOST: Final = {"user": 2, "link": 1}
HURRIED, AT_LEISURE = Check(at_leisure=False, is_heartbeat=False), Check(at_leisure=True, is_heartbeat=False)
HEARTBEAT: Final = Check(at_leisure=True, is_heartbeat=True)
NEVER: Final = math.inf


def view(access: str = "full.1") -> CalendarView:
    """Return a calendar in which only the access token matters."""
    return {
        "id": "c",
        "name": "Team",
        "color": "",
        "timeZone": "UTC",
        "position": 0,
        "role": "",
        "rights": "",
        "access": access,
        "state": "",
        "people": [],
        "sharing": None,
        "offer": None,
    }


def grant_to(receiver: Receiver, *, until: float = NEVER) -> Grant:
    return Grant(receiver, {"c": view()}, until)


def settled(*, until: float = NEVER, beats_at: float = NEVER) -> Seat:
    """Return a seat whose first check has been made."""
    seat = Seat(grant_to(LINK, until=until), at_leisure=True)
    seat.wake(0)
    seat.beats_at = beats_at
    return seat


# --- opening ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "user", "error"),
    [
        (grant_to(ANA), None, None),
        (grant_to(ANA), "1", None),
        (grant_to(LINK), None, None),
        (Grant(ANA), None, None),
        (None, None, SignedOut),
        (Grant(LINK), None, SignedOut),
        (grant_to(ANA), "2", SignedOut),
        (grant_to(ANA), "", SignedOut),
        (grant_to(LINK), "1", SignedOut),
    ],
    ids=[
        "a user",
        "a page of this user",
        "a link",
        "a user of no calendars",
        "a credential of nobody",
        "a link that has ended",
        "a page of another user",
        "a page of nobody",
        "a page of a user, by a link",
    ],
)
def test_a_seat_is_for_the_receiver_of_a_grant_that_lasts(
    grant: Grant | None, user: str | None, error: type[Exception] | None
) -> None:
    """Seen failing without each of the three conditions, and when `is_over` is true for users, too."""
    seats = Seats(at_leisure=True)
    if error is None:
        seat, admitted = seats.admit(grant, user=user, most=MOST)
        assert (seat.receiver, admitted) == (admitted.receiver, grant)
        assert seats.taken == {seat.receiver: 1}
    else:
        with pytest.raises(error):
            seats.admit(grant, user=user, most=MOST)
        assert seats.taken == {}


@pytest.mark.parametrize(("receiver", "other", "most"), [(ANA, BEN, 2), (LINK, Receiver("link", "4"), 1)], ids=str)
def test_a_receiver_has_so_many_seats_and_another_when_one_is_free(
    receiver: Receiver, other: Receiver, most: int
) -> None:
    """Seen failing with one seat more, with one limit for both kinds, with one count for all, and without `leave`."""
    seats = Seats(at_leisure=True, full=lambda: TooMany("too_many_waiting"))

    def sit(one: Receiver) -> None:
        seats.admit(grant_to(one), user=None, most=MOST)

    for _ in range(most):
        sit(receiver)
    with pytest.raises(TooMany, match="too_many_waiting"):
        sit(receiver)
    assert seats.taken == {receiver: most}
    sit(other)
    seats.leave(receiver)
    sit(receiver)
    for one in [other, *[receiver] * most]:
        seats.leave(one)
    assert dict(seats.taken) == {}, "who has left is not remembered"


# --- when a check is due ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_leisure", [True, False])
def test_the_first_check_is_due_at_once_and_made_once(at_leisure: bool) -> None:
    """Invariant 7. Seen failing with a seat that begins without a check, ignores `at_leisure`, or repeats the check."""
    seat, _ = Seats(at_leisure=at_leisure).admit(grant_to(ANA), user=None, most=MOST)
    assert seat.wakes_at == -math.inf
    assert seat.wake(0) == (AT_LEISURE if at_leisure else HURRIED)
    assert seat.wakes_at == NEVER
    assert seat.wake(10**9) is None


@pytest.mark.parametrize(
    ("asked", "check"),
    [
        ([], None),
        ([True], AT_LEISURE),
        ([False], HURRIED),
        ([True, False], HURRIED),
        ([False, True], HURRIED),
    ],
    ids=["nobody asks", "at leisure", "in a hurry", "in a hurry at last", "in a hurry at first"],
)
def test_whoever_asks_gets_one_check_and_one_in_a_hurry_hurries_all(asked: list[bool], check: Check | None) -> None:
    """Seen failing when only the last request counts, and when a hurry outlasts its check."""
    seat = settled()
    for at_leisure in asked:
        seat.ask(at_leisure=at_leisure)
    assert seat.wakes_at == (-math.inf if asked else NEVER)
    assert [seat.wake(0), seat.wake(0)] == [check, None]
    seat.ask(at_leisure=True)
    assert seat.wake(0) == AT_LEISURE


@pytest.mark.parametrize(
    ("until", "beats_at", "asks", "now", "check"),
    [
        (NEVER, 25.0, False, 24.9, None),
        (NEVER, 25.0, False, 25.0, HEARTBEAT),
        (NEVER, 25.0, True, 24.9, AT_LEISURE),
        (NEVER, 25.0, True, 25.0, AT_LEISURE),
        (60.0, NEVER, False, 59.9, None),
        (60.0, NEVER, False, 60.0, HURRIED),
        (60.0, NEVER, True, 60.0, HURRIED),
        (60.0, 60.0, False, 60.0, HURRIED),
        (60.0, 25.0, False, 25.0, HEARTBEAT),
    ],
    ids=[
        "before a heartbeat",
        "a heartbeat",
        "asked before a heartbeat",
        "asked at a heartbeat",
        "before the end of the grant",
        "the end of the grant",
        "asked at the end of the grant",
        "a heartbeat at the end of the grant",
        "a heartbeat before the end of the grant",
    ],
)
def test_a_check_is_due_at_a_heartbeat_when_the_grant_ends_and_when_somebody_asks(
    until: float, beats_at: float, asks: bool, now: float, check: Check | None
) -> None:
    """Seen failing with a seat that ignores its heartbeats or its end, or checks at leisure at its end.

    Seen failing, too, with a seat that calls every check a heartbeat.
    """
    seat = settled(until=until, beats_at=beats_at)
    assert seat.wakes_at == min(until, beats_at)
    if asks:
        seat.ask(at_leisure=True)
    assert (seat.wakes_at <= now) is (check is not None)
    assert seat.wake(now) == check


# --- what a check finds ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "is_signed_out"),
    [(grant_to(LINK), False), (Grant(LINK), False), (grant_to(ANA), True), (None, True)],
    ids=["the same receiver", "a link that has ended", "another receiver", "nobody"],
)
def test_a_credential_that_is_nobodys_or_anothers_by_now_signs_out(grant: Grant | None, is_signed_out: bool) -> None:
    """The page of a link hears that the link has ended before it is refused. Seen failing without each condition."""
    seat = settled()
    if is_signed_out:
        with pytest.raises(SignedOut):
            seat.renew(grant)
        assert (seat.checks, seat.accesses) == (1, {"c": "full.1"})
    else:
        assert seat.renew(grant) is grant
        assert seat.checks == 2


def test_a_check_tells_the_accesses_of_now_and_that_it_was_made() -> None:
    """Subscribes under way compare both. Seen failing when the seat keeps the first accesses, and without the count."""
    seat = settled()
    assert (seat.checks, seat.accesses) == (1, {"c": "full.1"})
    seat.renew(Grant(LINK, {"d": view("freebusy.2")}))
    assert (seat.checks, seat.accesses) == (2, {"d": "freebusy.2"})


@pytest.mark.parametrize("until", [30.0, 90.0, NEVER], ids=["earlier", "later", "never"])
def test_an_end_that_was_moved_counts_from_the_next_check(until: float) -> None:
    """Seen failing when the seat keeps the first end."""
    seat = settled(until=60)
    seat.renew(grant_to(LINK, until=until))
    assert seat.wakes_at == until


@pytest.mark.parametrize(
    ("check", "until", "wakes_at", "then"),
    [
        (HEARTBEAT, NEVER, NEVER, None),
        (AT_LEISURE, NEVER, 10 + RETRY_SECONDS, AT_LEISURE),
        (HURRIED, NEVER, 10 + RETRY_SECONDS, AT_LEISURE),
        (HURRIED, 10.0, 10 + RETRY_SECONDS, HURRIED),
        (HEARTBEAT, 60.0, 60.0, None),
    ],
    ids=["a heartbeat", "at leisure", "in a hurry", "the end of a grant", "a heartbeat before the end"],
)
def test_a_check_that_failed_is_made_again_a_second_later_unless_a_heartbeat_will(
    check: Check, until: float, wakes_at: float, then: Check | None
) -> None:
    """A check fails when the database is away. Seen failing without a retry, with a retry for heartbeats, too, and with
    an end that is left where it was.
    """
    seat = settled(until=until)
    seat.put_off(check, 10)
    assert seat.wakes_at == wakes_at
    assert seat.wake(9 + RETRY_SECONDS) is None
    assert seat.wake(10 + RETRY_SECONDS) == then
    if until == NEVER:
        assert seat.wakes_at == NEVER, "again means once"
