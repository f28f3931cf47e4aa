"""Tests that each duty of the background work runs when it is due, in one process at a time, even after a failure."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone
from prometheus_client import REGISTRY

from calendar_live.background import duties, thread
from calendar_live.background.duties import Duty
from calendar_live.background.thread import Rota
from calendar_live.models import Calendar, ChangeSet, Lease
from calendar_live.services import retention
from tests.people import make_item
from tests.recording import all_rows

pytestmark = pytest.mark.django_db(transaction=True)

DAY: Final = timedelta(days=1)


def test_what_fails_is_counted_and_the_rest_is_done(
    team: Calendar, ana: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(now: datetime) -> int:
        raise ZeroDivisionError

    ours = (Duty("fails", fail, lambda: 60), Duty("prune_log", retention.prune_log, lambda: 60))
    monkeypatch.setattr("calendar_live.management.commands.upkeep.DUTIES", ours)
    make_item(team, ana)
    assert [duties.run(one, timezone.now() + 99 * DAY) for one in ours] == [None, 1]
    assert REGISTRY.get_sample_value("calendar_live_upkeep_failures_total", {"task": "fails"}) == 1
    assert "Background work fails failed" in caplog.text
    with pytest.raises(CommandError, match="Failed: fails"):
        call_command("upkeep", verbosity=0)


def test_who_has_no_turn_takes_nothing_away(team: Calendar, ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = {"LOG_DAYS": -1}
    make_item(team, ana)
    pruning = duties.DUTIES[0]
    assert retention.take_lease(pruning.name, holder="another", seconds=60)
    before = all_rows()
    assert duties.take_turn(pruning, holder="me") is False
    assert all_rows() == before
    Lease.objects.update(expires_at=datetime(2000, 1, 1, tzinfo=UTC))
    assert duties.take_turn(pruning, holder="me") is True
    assert ChangeSet.objects.filter(calendar=team).count() == 1


def test_another_process_may_have_another_duty_meanwhile(db: None) -> None:
    """Seen failing with one lease for all duties."""
    first, second, *_ = duties.DUTIES
    assert duties.take_turn(first, holder="me") is True
    assert duties.take_turn(second, holder="another") is True
    assert duties.take_turn(first, holder="another") is False


# --- when ------------------------------------------------------------------------------------------------------------


def duty(name: str, period: float) -> Duty:
    return Duty(name, lambda now: 0, lambda: period)


def test_each_duty_has_its_own_period() -> None:
    """Seen failing with one period for all: the slow duty has as many turns as the quick one."""
    quick, slow = duty("quick", 10), duty("slow", 35)
    rota, turns, now = Rota([quick, slow], 0, lambda low, high: high), [], 0.0
    while now < 70:
        wait = rota.wait_seconds(now)
        assert wait is not None
        now += wait
        turns += [(now, one.name) for one in rota.due(now)]
    assert [when for when, name in turns if name == "quick"] == [10, 20, 30, 40, 50, 60, 70]
    assert [when for when, name in turns if name == "slow"] == [35, 70]


def test_turns_are_spread_over_half_a_period() -> None:
    early, late = (Rota([duty("one", 100)], 0, pick) for pick in (lambda low, high: low, lambda low, high: high))
    assert (early.wait_seconds(0), late.wait_seconds(0)) == (50, 100)


def test_a_turn_that_was_missed_is_taken_once() -> None:
    """Seen failing when the next turn is counted from the missed one: a machine that slept would repeat every turn."""
    rota = Rota([duty("one", 10)], 0, lambda low, high: high)
    assert [one.name for one in rota.due(1_000)] == ["one"]
    assert rota.due(1_009) == []
    assert rota.wait_seconds(1_000) == 10


def test_a_duty_without_a_period_never_has_a_turn() -> None:
    rota = Rota([duty("never", 0)], 0, lambda low, high: high)
    assert rota.wait_seconds(0) is None
    assert rota.due(10**9) == []


# --- the thread ------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # ended by SystemExit
def test_a_process_does_its_work_by_itself_and_goes_on_after_a_failure(
    settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen failing when a failure ends the thread, and when a second `start` starts another thread."""
    turns: list[str] = []

    def turn(duty: Duty, *, holder: str) -> bool:
        turns.append(threading.current_thread().name)
        if len(turns) == 1:
            raise ConnectionError("the database is away")
        raise SystemExit

    monkeypatch.setattr(thread, "DUTIES", [Duty("one", lambda now: 0, lambda: 1)])
    monkeypatch.setattr(thread, "take_turn", turn)
    monkeypatch.setattr(thread, "_thread", None)
    thread.start()
    started = thread._thread
    assert started is not None
    thread.start()
    assert thread._thread is started
    started.join(20)
    assert turns == ["calendar_live upkeep"] * 2
    assert "Background work one could not begin" in caplog.text


def test_a_process_whose_work_a_timer_does_has_no_thread(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CALENDAR_LIVE = {"UPKEEP_SECONDS": 0}
    monkeypatch.setattr(thread, "_thread", None)
    thread.start()
    assert thread._thread is None
