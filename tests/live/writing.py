"""Writes changes as views do, with broadcasts that arrive or are lost, and waits until a page has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.models import User

from calendar_live.access import standing
from calendar_live.live import announcing
from calendar_live.models import Calendar, WorkItem
from testbed.waiting import until
from tests.history import head_of
from tests.live.pages import Page, in_thread
from tests.people import make_item

SETTLE_SECONDS: Final = 15  # ten times the promised time (docs/protocol.md, invariant 5)


async def write(calendar: Calendar, actor: User, times: int = 1) -> list[WorkItem]:
    """Make a number of items, each in a change of its own that is broadcast as from a view."""
    return [await in_thread(make_item, calendar, actor) for _ in range(times)]


@contextmanager
def lost_broadcasts() -> Iterator[None]:
    """Suppress all broadcasts for as long as the context lasts."""
    announcing.breaker.trip(10**12, 0)
    try:
        yield
    finally:
        announcing.breaker.reset()


async def write_unheard(calendar: Calendar, actor: User, times: int = 1) -> list[WorkItem]:
    """Make items whose broadcasts are lost."""
    with lost_broadcasts():
        return await write(calendar, actor, times)


async def access_of(user: User, calendar: Calendar) -> str:
    return str((await in_thread(standing, user, calendar.pk)).access)


async def settled(page: Page, calendar: Calendar) -> None:
    """Wait until a page is at the database's head of a calendar."""
    head = str(await in_thread(head_of, calendar))
    await until(
        lambda: page.states.get(str(calendar.pk)) == head,
        what=f"the page to reach {head}",
        timeout_seconds=SETTLE_SECONDS,
    )
