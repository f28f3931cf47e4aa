"""Tests the endpoints for operators: whether a process is up, whether it is ready, and who may read its metrics."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from calendar_live.models import Calendar
from testbed.cluster import Node
from testbed.servers import LOOPBACK, Redis
from testbed.waiting import wait_until
from tests.api.calls import WEEK, Api
from tests.people import make_user


def test_the_process_is_up_without_a_database() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_the_site_is_ready_when_its_database_answers() -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": True, "redis": None})


def test_the_site_is_not_ready_when_its_database_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError

    monkeypatch.setattr("calendar_live.api.health.connection.cursor", fail)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "no-store" in answer["Cache-Control"]


@contextmanager
def process(folder: Path, redis_url: str) -> Iterator[Node]:
    """Yield a process of the site with an empty SQLite database."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "REDIS_URL": redis_url,
    }
    node = Node(environ=environ, log=folder / "log")
    try:
        node.start()
        yield node
    finally:
        node.stop()


def readiness(node: Node) -> tuple[int, dict[str, bool]]:
    """Return the status and the body of a process's `/readyz`."""
    answer = httpx.get(f"{node.url}/readyz", trust_env=False, timeout=15)
    return answer.status_code, answer.json()


def test_the_site_is_ready_without_its_redis_and_says_so(tmp_path: Path) -> None:
    """Seen failing with 503 while Redis is down: nginx would have no process left to use."""
    redis = Redis()
    try:
        redis.start()
        with process(tmp_path, redis.url) as node:
            assert readiness(node)[:2] == (200, {"database": True, "redis": True})
            redis.kill()
            assert readiness(node)[:2] == (200, {"database": True, "redis": False})
            redis.start()
            wait_until(lambda: readiness(node)[1]["redis"], what="Redis to be seen again")
    finally:
        redis.close()


def test_a_redis_that_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    """Seen failing when the probe's message may take 20 s."""
    with (
        socket.create_server((LOOPBACK, 0)) as silent,
        process(tmp_path, f"redis://{LOOPBACK}:{silent.getsockname()[1]}") as node,
    ):
        assert readiness(node) == (200, {"database": True, "redis": False})


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "s3cret"])
@pytest.mark.parametrize("given", [None, "", "Bearer ", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer s3crét"])
def test_metrics_are_not_for_everybody(token: str, given: str | None, settings: Any) -> None:
    settings.CALENDAR_LIVE = {"METRICS_TOKEN": token}
    headers = {} if given is None else {"Authorization": given}
    answer = Client().get("/metrics", headers=headers)
    assert answer.status_code == 403
    assert b"calendar_live" not in answer.content


@pytest.mark.django_db
def test_metrics_are_for_staff_and_for_who_bears_the_token(ana: User, settings: Any) -> None:
    settings.CALENDAR_LIVE = {"METRICS_TOKEN": "s3cret"}
    client = Client()
    client.force_login(ana)
    assert client.get("/metrics").status_code == 403
    assert Client().get("/metrics", headers={"Authorization": "Bearer s3cret"}).status_code == 200
    staff = make_user("staff")
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    client.force_login(staff)
    assert client.get("/metrics").status_code == 200


@pytest.mark.django_db
def test_metrics_are_open_on_a_trial(settings: Any) -> None:
    settings.DEBUG = True
    assert Client().get("/metrics").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_metrics_count_feed_hits_and_misses_and_tell_nothing_of_a_calendar(
    team: Calendar, ana: User, settings: Any
) -> None:
    settings.DEBUG = True

    def counted() -> dict[str, float]:
        lines = Client().get("/metrics").content.decode().splitlines()
        assert str(team.pk) not in "".join(lines)
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {
            result: float(values.get(f'calendar_live_feed_cache_lookups_total{{result="{result}"}}', 0))
            for result in ("hit", "miss")
        } | {"cold": float(values["calendar_live_feed_cold_seconds_count"])}

    before = counted()
    for _ in range(3):
        assert Api(ana).feed(team, WEEK).status_code == 200
    after = counted()
    assert {name: after[name] - before[name] for name in after} == {"hit": 2, "miss": 1, "cold": 1}
