"""Tests that a feed is the fold of the log, byte by byte: for each rights class and range, and while others write."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import product
from typing import Final, get_args
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendar_live.access import Standing
from calendar_live.models import Calendar
from calendar_live.protocol.rights import Access, Rights
from calendar_live.protocol.state import State
from calendar_live.reading import feed
from calendar_live.schedule.ranges import Range
from calendar_live.services.items import create_item, delete_item
from tests.feeds import DAY, HOUR, WEEK, ask, standing_in
from tests.history import log_of
from tests.people import NINE, make_calendar, make_item
from tests.reference import feed_body, fold
from tests.steps import Step, spans, steps, take

pytestmark = pytest.mark.django_db(transaction=True)

WINDOWS: Final = [
    WEEK,
    Range(WEEK.start - 3 * DAY, WEEK.start),
    Range(WEEK.start + HOUR, WEEK.start + 2 * HOUR),
    Range(WEEK.start - 30 * DAY, WEEK.start + 12 * DAY),
]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(spans, min_size=1, max_size=4), steps)
def test_the_feed_is_the_fold_of_the_log_whatever_was_done(
    ana: User, first: list[tuple[datetime, timedelta]], taken: list[Step]
) -> None:
    """Invariant 2, for each rights class and range, byte by byte. Fails when a service does not log what it changed."""
    calendar = make_calendar(ana)
    for start, length in first:
        make_item(calendar, ana, start=start, end=start + length)
    for step in taken:
        take(step, calendar, ana)
    log = log_of(calendar)
    items = fold(log)
    for rights, window in product(get_args(Rights), WINDOWS):
        found = feed.read_feed(standing_in(calendar, rights), feed.Query(window))
        assert found.state == log[-1].new
        assert found.body == feed_body(items, window.start, window.end, rights)


def test_readers_beside_writers_always_see_a_state_with_just_its_rows(team: Calendar, ana: User) -> None:
    """Invariant 2. Fails when the state is read in a statement of its own."""
    stop = threading.Event()
    pictures: list[tuple[str, bytes]] = []

    def write(number: int) -> None:
        try:
            dice = random.Random(number)
            mine: list[UUID] = []
            for _ in range(25):
                if mine and dice.random() < 0.4:
                    delete_item(team.pk, actor=ana, item_id=mine.pop())
                else:
                    mine.append(uuid4())
                    fields = {"title": "x", "start": NINE, "end": NINE + HOUR}
                    create_item(team.pk, actor=ana, item_id=mine[-1], fields=fields)
        finally:
            connections.close_all()

    def read() -> None:
        standing = Standing(str(team.pk), "", Access("full", 1), State(0, "0" * 16))
        try:
            while not stop.is_set():
                state, _, body = feed._compute(standing, ask())[1].partition(b"\n")
                pictures.append((state.decode(), body))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for writer in [pool.submit(write, number) for number in range(2)]:
            writer.result(60)
        stop.set()
        for reader in readers:
            reader.result(60)
    log = log_of(team)
    bodies = {str(log[0].old): b"[]"} | {
        str(one.new): feed_body(fold(log[: number + 1]), WEEK.start, WEEK.end, "full") for number, one in enumerate(log)
    }
    assert len({state for state, _ in pictures}) > 3, "they did meet"
    assert all(body == bodies[state] for state, body in pictures)
