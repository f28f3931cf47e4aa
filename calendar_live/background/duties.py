"""Defines what is done in the background, and does one turn of it. Each duty has a period and a lease of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from prometheus_client import Counter

from .. import conf
from ..services import retention

logger = logging.getLogger(__name__)

rows = Counter("calendar_live_upkeep_rows_total", "Rows that background work took away.", ["task"])
failures = Counter("calendar_live_upkeep_failures_total", "Background work that failed; it is tried again.", ["task"])


@dataclass(frozen=True, slots=True)
class Duty:
    """Work that one of all processes does from time to time.

    `name` is also the name of its lease, and the label of its counters. `do` takes the present instant and returns how
    many rows it removed. `period` returns the seconds between two turns; 0 means never.
    """

    name: str
    do: Callable[[datetime], int]
    period: Callable[[], float]


def _upkeep_seconds() -> float:
    return conf.app.UPKEEP_SECONDS


DUTIES: Final = (
    Duty("prune_log", retention.prune_log, _upkeep_seconds),
    Duty("prune_receipts", retention.prune_receipts, _upkeep_seconds),
    Duty("purge_trash", retention.purge_trash, _upkeep_seconds),
    Duty("purge_invitations", retention.purge_invitations, _upkeep_seconds),
)


def run(duty: Duty, now: datetime) -> int | None:
    """Do a duty now, without its lease. Return how many rows it removed, or None if it failed."""
    try:
        count = duty.do(now)
    except Exception:  # its next turn tries again
        failures.labels(duty.name).inc()
        logger.exception("Background work %s failed", duty.name)
        return None
    rows.labels(duty.name).inc(count)
    return count


def take_turn(duty: Duty, *, holder: str) -> bool:
    """Do a duty if this process has or gets its lease. Return whether it has the lease.

    The lease lasts for two periods, so that the lease of a dead process passes on to another.
    """
    if not retention.take_lease(duty.name, holder=holder, seconds=2 * duty.period()):
        return False
    run(duty, timezone.now())
    return True
