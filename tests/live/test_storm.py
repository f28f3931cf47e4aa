"""Tests that 300 pages that come at once while five people write miss no change and hear none twice."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest
from django.contrib.auth.models import User

from calendar_live.live.hub import Hub
from calendar_live.models import Calendar
from calendar_live.protocol.state import State
from testbed.waiting import until
from tests.history import head_of
from tests.live.pages import Page, in_thread
from tests.live.writing import access_of, settled, write

pytestmark = pytest.mark.django_db(transaction=True)

PAGES: Final = 300
WRITERS: Final = 5
CHANGES: Final = 6


@pytest.mark.parametrize("returning", [False, True], ids=["new pages", "pages that return"])
async def test_a_storm_of_subscribers_beside_writers_loses_and_doubles_nothing(
    returning: bool, hub: Hub, team: Calendar, ana: User
) -> None:
    """Invariants 3 and 8, rule S3: each page's chain is checked frame by frame.

    Seen failing with a subscription that is live at once, and with one that is registered only after its replay was
    read (pages that return).
    """
    start, access = await in_thread(head_of, team), await access_of(ana, team)
    pages = [Page(ana) for _ in range(PAGES)]
    writing = [asyncio.create_task(write(team, ana, CHANGES)) for _ in range(WRITERS)]

    async def come(number: int, page: Page) -> None:
        await until(
            lambda: sum(task.done() for task in writing) or hub_is_at(hub, team) >= number // 10, what="its turn"
        )
        await page.subscribe(hub, team, start if returning else None, access if returning else None)

    first = Page(ana)
    await first.subscribe(hub, team)
    await asyncio.gather(*(come(number, page) for number, page in enumerate(pages)))
    await asyncio.gather(*writing)
    for page in [first, *pages]:
        await settled(page, team)
        heard = page.revisions()
        assert heard == list(range(heard[0], heard[0] + len(heard))) if heard else True
        assert not returning or page is first or heard == list(range(1, WRITERS * CHANGES + 1))
    late = [page for page in pages if len(page.revisions()) < WRITERS * CHANGES]
    assert returning or late, "some came in the middle"


def hub_is_at(hub: Hub, team: Calendar) -> int:
    head: State | None = hub._served[str(team.pk)].head
    return -1 if head is None else head.revision
