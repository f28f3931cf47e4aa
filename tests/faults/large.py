"""Measures a calendar of 100,000 items and a deletion of 10,000: `python -m tests.faults.large`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import pairwise
from typing import Final

from testbed.cluster import Cluster
from testbed.waiting import wait_until
from tests.faults.load import writers
from tests.faults.pages import Page, SocketPage, await_right, of_each_kind, opened
from tests.faults.people import Program, sign_in_all, since
from tests.faults.rows import fill

MANY: Final = 100_000
FEW: Final = 300  # in the same months
MOST: Final = 10_000  # BULK_ENTRIES and MAX_BULK_ITEMS
MONTHS: Final = ("2026-12-01", "2027-01-01", "2027-02-01", "2027-03-01")
PROMISED_SECONDS: Final = 1.5  # docs/protocol.md, invariant 5


def delete_all(program: Program, calendar: str, items: list[str]) -> None:
    """Delete items by one call. Items beyond those that a call may name are first moved below one that it names."""
    named, rest = items[:MOST], items[MOST:]
    for item in rest:
        path = f"/api/calendars/{calendar}/items/{item}/"
        program.client.patch(path, json={"parent": named[0]}).raise_for_status()
    program.client.post(f"/api/calendars/{calendar}/items/delete/", json={"ids": named}).raise_for_status()


def month_of(program: Program, calendar: str, start: str, end: str) -> int:
    """Request a month's feed. Return how many items it has."""
    month = program.client.get(f"/api/calendars/{calendar}/feed/", params={"start": start, "end": end})
    return len(month.raise_for_status().json())


def _feed_seconds(program: Program, calendar: str) -> float:
    """Return the seconds of the fastest of some months' feeds, none of which was requested before."""
    taken = []
    for start, end in pairwise(MONTHS):
        started = time.monotonic()
        month_of(program, calendar, start, end)
        taken.append(since(started))
    return min(taken)


def _heard_seconds(pages: list[Page], program: Program, calendar: str, item: str) -> float:
    """Delete an item. Return the seconds until the last page has heard of it."""
    started = time.monotonic()
    program.delete(calendar, item).raise_for_status()
    wait_until(lambda: all(item not in page.view.items for page in pages), what="pages to hear of it")
    return max(page.view.heard_at[item] for page in pages) - started


def measure(cluster: Cluster, session: str) -> list[tuple[str, float, float | None]]:
    """Return figures: the name of each, its seconds, and the seconds that are promised."""
    with ExitStack() as stack:
        at_node = [stack.enter_context(Program(node.url, session)) for node in cluster.nodes]
        ana = stack.enter_context(Program(cluster.url, session))
        few, many, bulk, other = (ana.create_calendar(name) for name in ("Few", "Many", "Bulk", "Other"))
        fill(cluster, ana, few, FEW)
        items, doomed = fill(cluster, ana, many, MANY), fill(cluster, ana, bulk, MOST)
        figures: list[tuple[str, float, float | None]] = [
            (f"feed of a month, of {FEW} items", _feed_seconds(ana, few), None),
            (f"feed of a month, of {MANY:,} items", _feed_seconds(ana, many), None),
        ]
        with opened([SocketPage(one, many) for one in at_node]) as pages:
            await_right(pages, ana, what="at the start")
            figures.append(
                (
                    "until a deletion among them is heard",
                    _heard_seconds([*pages], ana, many, items[0]),
                    PROMISED_SECONDS,
                )
            )
        with (
            opened(of_each_kind(at_node, bulk)) as pages,
            opened([SocketPage(one, other) for one in at_node]) as others,
        ):
            await_right([*pages, *others], ana, what="at the start")
            with writers([at_node[1]], other) as load:
                wait_until(lambda: len(load.writes) > 5, what="some writes before")
                load.phase, started = "deletion", time.monotonic()
                delete_all(at_node[0], bulk, doomed)
                figures.append((f"{MOST:,} items deleted", since(started), None))
                figures.append(("until all pages are right", await_right(pages, ana, what="after it"), None))
                load.phase = "after"
            await_right(others, ana, what="with what was written meanwhile")
            stale = load.staleness_seconds("deletion", others)
            figures.append(("others behind meanwhile, at most", stale, PROMISED_SECONDS))
    return figures


def main() -> None:
    with Cluster(nodes=2) as cluster:
        cluster.manage("seed_demo")
        for what, seconds, promised in measure(cluster, sign_in_all(cluster)["ana"]):
            kept = "" if promised is None else f"  promised {promised}: {'kept' if seconds <= promised else 'NOT kept'}"
            print(f"{what:<40}{seconds:7.3f} s{kept}")


if __name__ == "__main__":
    main()
