"""Tests that a failure of many calls at once is logged once and counted, and that other failures are logged, too."""

from __future__ import annotations

import logging

import pytest

from calendar_live.live import complaints
from calendar_live.live.complaints import complain
from testbed.waiting import until

logger = logging.getLogger("calendar_live.test")


async def test_of_failures_alike_the_first_is_told_whole_and_the_others_are_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing when each is logged, when only types distinguish failures, and when the period never ends."""
    monkeypatch.setattr(complaints, "_PAUSE_SECONDS", 0.05)
    away, full = OSError("no route"), OSError("too many clients")
    for failure in (away, away, full, away):
        complain(logger, "A check failed", failure)
    assert [(one.getMessage(), one.exc_info and one.exc_info[1]) for one in caplog.records] == [
        ("A check failed", away),
        ("A check failed", full),
    ]
    caplog.clear()
    await until(lambda: caplog.records, what="the others to be counted")
    assert caplog.messages == ["A check failed: 2 times more in 0.05 s: OSError: no route"]
    complain(logger, "A check failed", away)
    assert caplog.records[-1].exc_info
