"""The measurement of requests, small: both servers answer, and ours with less."""

from __future__ import annotations

from statistics import median

import pytest

from bench import requests
from bench.requests import AT_ONCE, KINDS, OURS, STOCK, of


def test_requests_cost_less_than_under_djangos_own_middlewares_and_application(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Seen failing (0.9x) with Django's own middlewares on both sides."""
    costs = requests.measure(requests=40, rounds=1)
    assert [(one.server, one.kind, one.at_once) for one in costs] == [
        (server, kind, at_once) for at_once in AT_ONCE for kind in KINDS for server in (OURS, STOCK)
    ]
    assert all(len(one.taken_ms) == 40 and min(one.taken_ms) > 0 < median(one.cpu_ms) for one in costs)
    print(requests.text_of(costs))
    assert capsys.readouterr().out.count(OURS) == len(KINDS) * len(AT_ONCE)
    alone = next(one for one in costs if (one.server, one.kind, one.at_once) == (OURS, "healthz", 1))
    assert median(of(costs, STOCK, alone).cpu_ms) > 1.5 * median(alone.cpu_ms)
