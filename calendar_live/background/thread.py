"""Background work: a thread per process, of which the one with the lease does it. Never ends by an error, never holds up an exit."""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from django.db import close_old_connections, connections
from django.utils import timezone
from prometheus_client import Counter

from .. import conf
from ..services import retention as upkeep

logger = logging.getLogger(__name__)

rows = Counter("calendar_live_upkeep_rows_total", "Rows that background work took away.", ["task"])
failures = Counter("calendar_live_upkeep_failures_total", "Background work that failed; it is tried again.", ["task"])

DUTY: Final = "upkeep"
TASKS: Final[Mapping[str, Callable[[datetime], int]]] = {
    "prune_log": upkeep.prune_log,
    "prune_receipts": upkeep.prune_receipts,
    "purge_trash": upkeep.purge_trash,
    "purge_invitations": upkeep.purge_invitations,
}

_me: Final = secrets.token_hex(16)
_starting = threading.Lock()
_thread: threading.Thread | None = None


def run_once(now: datetime) -> dict[str, int]:
    """Do every task, whoever holds the lease. Return how many rows each took away; one that failed is missing."""
    done: dict[str, int] = {}
    for name, task in TASKS.items():
        try:
            done[name] = task(now)
            rows.labels(name).inc(done[name])
        except Exception:  # the next round tries again
            failures.labels(name).inc()
            logger.exception("Background work %s failed", name)
    return done


def take_turn(*, holder: str = _me) -> bool:
    """Do the work if this process has, or gets, the lease: for two rounds, so that a dead holder's turn passes on."""
    if not upkeep.take_lease(DUTY, holder=holder, seconds=2 * conf.app.UPKEEP_SECONDS):
        return False
    run_once(timezone.now())
    return True


def start(**_: object) -> None:
    """Start this process's thread, once; not at all while UPKEEP_SECONDS is 0. A receiver of `hub.hub_started`."""
    global _thread
    with _starting:
        if _thread is None and conf.app.UPKEEP_SECONDS > 0:
            _thread = threading.Thread(target=_run, name="calendar_live upkeep", daemon=True)
            _thread.start()


def _run() -> None:
    while True:
        time.sleep(random.uniform(0.5, 1) * conf.app.UPKEEP_SECONDS)  # noqa: S311 - spreads load
        close_old_connections()
        try:
            take_turn()
        except Exception:  # no database: the next round tries again
            failures.labels(DUTY).inc()
            logger.exception("Background work could not begin")
        finally:
            connections.close_all()
