"""Tests the benchmark of requests in a small run: both servers answer, and the table has each kind of request."""

from __future__ import annotations

import pytest

from bench import requests
from bench.requests import AT_ONCE, KINDS, OURS, STOCK


def test_every_kind_of_request_is_measured_at_both_servers(capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m bench.requests` reports whether ours cost less."""
    asked = max(AT_ONCE)
    costs = requests.measure(requests=asked, rounds=1)
    assert [(one.server, one.kind, one.at_once) for one in costs] == [
        (server, kind, at_once) for at_once in AT_ONCE for kind in KINDS for server in (OURS, STOCK)
    ]
    assert all((len(one.taken_ms), len(one.cpu_ms)) == (asked, 1) for one in costs)
    print(requests.text_of(costs))
    assert capsys.readouterr().out.count(OURS) == len(KINDS) * len(AT_ONCE)
