"""Tests the site's settings that are computed from environment variables, and not just copied from one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from project.ready import is_ready

ROOT: Final = Path(__file__).parents[1]
TOLD: Final = (
    """
import json
from project import settings
layer, cache = settings.CHANNEL_LAYERS["default"], settings.CACHES["default"]
hosts = [host["address"] for host in layer["CONFIG"].get("hosts", [])]
"""
    'print(json.dumps({"hosts": hosts, "cache": cache.get("LOCATION"), '
    '"static": settings.STATIC_URL, "app": settings.CALENDAR_LIVE}))\n'
)


def told(**environ: str) -> dict[str, Any]:
    own = {"PATH": os.environ["PATH"], "DEBUG": "1", "DATABASE_URL": "sqlite:////nonexistent.sqlite3", **environ}
    ran = subprocess.run([sys.executable, "-c", TOLD], cwd=ROOT, env=own, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize(
    ("environ", "hosts", "cache"),
    [
        ({}, [], None),
        ({"REDIS_URL": ""}, [], None),
        ({"REDIS_URL": "redis://a:1"}, ["redis://a:1/0"], "redis://a:1/1"),
        ({"REDIS_URL": "redis://a:1,redis://b:2"}, ["redis://a:1/0", "redis://b:2/0"], "redis://a:1/1"),
        ({"REDIS_URL": "redis://a:1", "CACHE_REDIS_URL": "redis://c:3"}, ["redis://a:1/0"], "redis://c:3/1"),
    ],
)
def test_messages_go_to_every_redis_and_feeds_to_one(
    environ: dict[str, str], hosts: list[str], cache: str | None
) -> None:
    assert (told(**environ)["hosts"], told(**environ)["cache"]) == (hosts, cache)


@pytest.mark.parametrize(
    ("prefix", "static"), [("", "/static/"), ("/team", "/team/static/"), ("/team/", "/team/static/")]
)
def test_static_files_are_below_the_path(prefix: str, static: str) -> None:
    assert told(FORCE_SCRIPT_NAME=prefix)["static"] == static


def test_the_app_is_told_its_origins_token_and_how_long_it_drains() -> None:
    assert told(ORIGINS="https://a,https://b", METRICS_TOKEN="t", DRAIN_SECONDS="0.5")["app"] == {
        "ORIGINS": ["https://a", "https://b"],
        "METRICS_TOKEN": "t",
        "DRAIN_SECONDS": 0.5,
    }


@pytest.mark.parametrize(
    ("bind", "asked"),
    # The test binds none of these.
    [("", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("10.0.0.5", "10.0.0.5")],  # noqa: S104
)
def test_a_process_is_looked_for_where_it_listens(bind: str, asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = []

    class Connection:
        def __init__(self, address: str, port: int, timeout: float) -> None:
            addresses.append(address)

        def request(self, method: str, path: str, headers: dict[str, str]) -> None:
            raise ConnectionRefusedError

        def close(self) -> None:
            pass

    monkeypatch.setattr("http.client.HTTPConnection", Connection)
    monkeypatch.setenv("BIND", bind)
    assert not is_ready(8001)
    assert addresses == [asked]
