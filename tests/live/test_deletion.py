"""Tests that a deletion passes the functions in the order of docs/architecture.md, "The life of a deletion"."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calendar_live.models import Calendar
from tests.live.pages import in_thread
from tests.live.sockets import Open
from tests.people import make_item

pytestmark = pytest.mark.django_db(transaction=True)

ROOT: Final = Path(__file__).parents[2]
Step = tuple[str, str]


def steps(suffix: str) -> list[Step]:
    """Return (file, function) for each function in the table whose file ends with the suffix, in the table's order."""
    text = (ROOT / "docs/architecture.md").read_text().partition("## The life of a deletion")[2].partition("```")[0]
    found: list[Step] = []
    for _, _, where in re.findall(r"^\| (.*?)\| (.*?) \| (.*?) \|$", text, re.MULTILINE):
        for path, functions in re.findall(r"\(\.\./([\w/.-]+)\) ((?:`[\w.]+`(?:, )?)+)", where):
            if path.endswith(suffix):
                found += [(path, name) for name in re.findall(r"`([\w.]+)`", functions)]
    return found


class Trace:
    """The calls of the functions in the table, in any thread that is traced."""

    def __init__(self, wanted: list[Step]) -> None:
        self.calls: list[Step] = []
        self._wanted = {(str(ROOT / path), name): (path, name) for path, name in wanted}

    def note(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and (step := self._wanted.get((code.co_filename, code.co_qualname))):
            self.calls.append(step)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Note the calls in this thread for as long as the context lasts."""
        sys.setprofile(self.note)
        try:
            yield
        finally:
            sys.setprofile(None)


def in_their_order(wanted: list[Step], calls: list[Step]) -> list[Step]:
    """Return the steps that are left when each is searched for in the calls after the one before it."""
    left = list(wanted)
    for call in calls:
        if left and call == left[0]:
            del left[0]
    return left


async def test_a_deletion_passes_the_documented_functions_in_their_order(
    open_socket: Open, client: Client, team: Calendar, ana: User, ben: User
) -> None:
    """Seen failing with two rows of the table exchanged, and with a function renamed in the table."""
    item = await in_thread(make_item, team, ana)
    page = await open_socket(ben)
    await page.hear_of("hello")
    await page.watch(team.pk)
    await in_thread(client.force_login, ana)
    wanted = steps(".py")
    assert len(wanted) > 10
    trace = Trace(wanted)

    def delete() -> int:
        with trace.running():
            return client.delete(f"/api/calendars/{team.pk}/items/{item.pk}/").status_code

    with trace.running():
        assert await in_thread(delete) == 200
        told = await page.hear_of("changes")
    assert in_their_order(wanted, trace.calls) == [], trace.calls
    assert told["destroyed"] == [str(item.pk)]


def test_a_step_out_of_order_is_noticed() -> None:
    first, second = ("one.py", "first"), ("two.py", "second")
    assert in_their_order([first, second], [first, first, second]) == []
    assert in_their_order([first, second], [second, first]) == [second]
