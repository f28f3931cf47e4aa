"""Tests calendars of 100,000 items and deletions of 10,000: a feed costs what it shows, and nobody else is held up."""

from __future__ import annotations

import pytest

from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.faults.large import FEW, MANY, MONTHS, MOST, delete_all, month_of
from tests.faults.load import writers
from tests.faults.pages import BOUND_SECONDS, SocketPage, await_right, of_each_kind, opened
from tests.faults.people import Program
from tests.faults.rows import fill, rows_read


@pytest.mark.parametrize(
    ("count", "resets"), [pytest.param(MOST, [], id="in chunks"), pytest.param(MOST + 1, ["bulk"], id="a reset")]
)
def test_a_deletion_of_ten_thousand_items_is_right_everywhere_and_holds_up_nobody(
    count: int, resets: list[str], cluster: Cluster, at_node: list[Program], ana: Program, calendar: str
) -> None:
    """Up to 10,000 items, the deletion is pushed in chunks; beyond that, every page loads anew.

    Meanwhile, pages of other calendars hear of their changes.

    Seen failing with a higher limit (a reset), and with a lower one (in chunks).
    """
    items = fill(cluster, ana, calendar, count)
    other = ana.create_calendar("Other")
    with (
        opened(of_each_kind(at_node, calendar)) as pages,
        opened([SocketPage(one, other) for one in at_node]) as others,
    ):
        await_right([*pages, *others], ana, what="at the start")
        with writers([at_node[1]], other, heard_by=others) as load:
            wait_until(lambda: len(load.writes) > 5, what="some writes before")
            load.phase = "deletion"
            delete_all(at_node[0], calendar, items)
            await_right(pages, ana, what="after the deletion")
        await_right(others, ana, what="with what was written meanwhile")
        assert load.refused() == []
        for page in pages:
            assert (page.view.resets, page.losses) == (resets, 0)
            assert len(page.view.items) == 1, "the template remains"


def test_a_calendar_of_a_hundred_thousand_items_is_as_quick_as_its_month(
    cluster: Cluster, at_node: list[Program], ana: Program, calendar: str
) -> None:
    """A feed costs what its month holds: the database reads as many rows as for a calendar that holds little else.

    `python -m tests.faults.large` prints how long that takes. Seen failing with a feed whose statement reads the whole
    calendar, and which then selects the month's items itself.
    """
    few = ana.create_calendar("Few")
    fill(cluster, ana, few, FEW)
    items = fill(cluster, ana, calendar, MANY)
    start, end = MONTHS[0], MONTHS[1]
    assert 50 < month_of(ana, calendar, start, end) == month_of(ana, few, start, end) < 100, "one in ten hours"
    assert rows_read(cluster, calendar, start, end) < 2 * rows_read(cluster, few, start, end)
    with opened([SocketPage(one, calendar) for one in at_node]) as pages:
        wait_until(
            lambda: all(page.view.live for page in pages), what="pages to be live", timeout_seconds=BOUND_SECONDS
        )
        ana.delete(calendar, items[0]).raise_for_status()
        wait_until(
            lambda: all(items[0] in page.view.heard_at and items[0] not in page.view.items for page in pages),
            what="pages to hear of it",
            timeout_seconds=BOUND_SECONDS,
        )
