"""Tests the benchmark itself in a small run: with real servers, every socket receives every deletion exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import parse
from bench.processes import our_command, textbook_command
from bench.run import HEAD_CHECK_DELETIONS, OURS, PLAIN, TEXTBOOK

ROOT = Path(__file__).parents[2]


def test_every_socket_of_both_servers_hears_of_every_deletion() -> None:
    command = [sys.executable, "-m", "bench", "--quick", "--layers", "redis", "--json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    rows = {row["name"]: row for row in result["rows"]}
    assert list(rows) == [OURS, TEXTBOOK, PLAIN]
    for row in rows.values():
        assert (row["sockets"], row["rounds"], row["lost"], row["twice"]) == (50, 3, 0, 0), row
        assert 0 < row["first"] <= row["p50"] <= row["p99"] <= row["last"], row
        assert {"answer", "cpu_seconds_per_million", "kib_per_socket", "idle_cpu_share"} - row.keys() == set()
    assert [(one["delivered"], one["twice"]) for one in result["without_redis"]] == [(50, 0)] * HEAD_CHECK_DELETIONS
    assert abs(rows[OURS]["frame_bytes"] - rows[TEXTBOOK]["frame_bytes"]) < 10, "not the same event"


def test_both_servers_are_started_alike() -> None:
    ours, textbook = our_command(8123), textbook_command(8123)
    assert ours[:3] == ["python", "-m", "calendar_live.server"]
    assert textbook[0] == "daphne"
    assert textbook[1:-1] == [*ours[3:-1], "--websocket_timeout", "-1"]
    assert "8123" in ours


@pytest.mark.parametrize("arguments", [["--sockets", "1"], ["--rounds", "-1"], ["--layers", "carrier pigeons"]])
def test_a_size_that_measures_nothing_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)


def test_a_run_can_be_sized() -> None:
    options, _ = parse(["--sockets", "200", "--rounds", "4", "--layers", "memory", "memory"])
    assert (options.sockets, options.rounds, options.layers) == (200, 4, ("memory",))
