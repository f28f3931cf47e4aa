"""Writes the report of a soak as text."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from .rolling import Rolling, in_seconds
from .run import Outcome

# The bound for connected pages, even if only the head check delivers (docs/protocol.md, invariant 5).
PROMISED_MS: Final = 1_500


def report(outcome: Outcome) -> str:
    """Return the report of a run, with the verdict at the end."""
    farm, plan = outcome.farm, outcome.plan
    wrong = outcome.wrong
    parts = [
        f"seed {plan.seed}, {plan.seconds:g} s, {plan.clients} clients, {plan.per_second:g} writes a second",
        _section("faults", sorted(outcome.faults.items())),
        _section("writes (acknowledged; sent more than once; refused)", sorted(_writes(outcome.mutations))),
        _section("attempts to write that had no definite answer", outcome.write_failures.most_common()),
        _section("checkpoints", enumerate(outcome.checkpoints, 1)),
    ]
    if farm:
        parts += [
            _section("deliveries", [("changes applied by clients", farm["applied"]), *sorted(farm["frames"].items())]),
            _section("resets", sorted(farm["resets"].items()) or [("none", 0)]),
            _section(
                f"staleness in ms, from the acknowledgement; {PROMISED_MS} are promised",
                _lags(farm["lags"], outcome.windows),
            ),
            _section("changes delivered by the head check", [("until the last checkpoints", outcome.found_by_heads)]),
            _section("reconnects", [("clients that came back", len(farm["returns"])), *away(farm["returns"])]),
            _section("feeds asked for", [("all", len(farm["feeds"]))]),
            _section("the machine", _machine(outcome)),
            _section("invariants", [("pictures compared", farm["checks"]), ("violations", farm["violations"])]),
        ]
    parts += [
        _section("tracebacks in the logs of the site", outcome.tracebacks.most_common()),
        _section("memory of the processes", outcome.memory),
        _verdict(wrong),
    ]
    return "\n\n".join(parts)


def _writes(mutations: Mapping[str, Counter[str]]) -> Iterable[tuple[str, str]]:
    for kind, counts in mutations.items():
        refused = " ".join(f"{what.split()[1]}: {n}" for what, n in sorted(counts.items()) if "refused" in what)
        yield kind, f"{counts['acknowledged']:6} {counts['retried']:5}   {refused}"


def _machine(outcome: Outcome) -> Iterable[tuple[str, str]]:
    """Return how busy the machine was, because a slow machine makes clients late."""
    delay = outcome.farm["loopDelay"]
    yield "processors", f"{outcome.busy:.0f}% busy, {outcome.used:.1f} of {os.cpu_count()} with this run"
    yield "the farm's own event loop, late by", f"p99 {delay['p99']:.0f} ms, at most {delay['worst']:.0f} ms"
    yield "the farm's memory", f"{outcome.farm['memoryBytes'] / 1e6:.0f} MB"


def _lags(
    lags: Mapping[str, Mapping[str, Any]], windows: Sequence[tuple[str, float, float]]
) -> Iterable[tuple[str, str]]:
    for kind, lag in lags.items():
        ended = max(((end, name) for name, _, end in windows if end <= lag["worstAt"]), default=None)
        after = f", {(lag['worstAt'] - ended[0]) / 1000:.1f} s after {ended[1]}" if ended else ""
        yield (
            kind,
            f"worst {lag['worst']}, p99 {lag['p99']}, p50 {lag['p50']}, "
            f"{lag['beyond']} of {lag['count']} beyond {PROMISED_MS} "
            f"({lag['worstWas']}{after})",
        )


def away(returns: Iterable[Mapping[str, float]]) -> Iterable[tuple[str, str]]:
    """Return how long clients were away, as percentiles."""
    times = sorted((one["backAt"] - one["leftAt"]) / 1000 for one in returns)
    if times:
        shares = ", ".join(
            f"{share}%: {times[min(len(times) - 1, len(times) * share // 100)]:.1f} s" for share in (50, 90, 99)
        )
        yield "away for", f"{shares}, longest {times[-1]:.1f} s"


def rolling_report(outcome: Rolling) -> str:
    """Return the report of a rolling restart, with the verdict at the end."""
    parts = [f"rolling restart of {len(outcome.restarts)} processes under {outcome.clients} clients"]
    for number, restart in enumerate(outcome.restarts, 1):
        gone = sorted((one["backAt"] - restart.started_ms) / 1000 for one in restart.returns)
        rows = [
            ("told to stop, it ended after", f"{restart.end_seconds:.1f} s with {restart.exit_code}"),
            ("ready again after", f"{restart.ready_seconds:.1f} s"),
            ("clients that left and came back", len(gone)),
            ("the last was back after", f"{gone[-1]:.1f} s" if gone else "-"),
            (
                "processor time of the other, for each of them",
                f"{restart.others_seconds / max(len(gone), 1) * 1000:.0f} ms",
            ),
            ("back in each second", " ".join(map(str, in_seconds(restart)))),
            *away(restart.returns),
        ]
        parts.append(_section(f"process {number}", rows))
    rows = [
        ("feeds asked for since the first restart", outcome.feeds_after),
        ("writes, and sent more than once", f"{outcome.writes}, {outcome.retried}"),
        ("attempts without a definite answer", outcome.failures or "none"),
        ("resets", outcome.farm["resets"] or "none"),
    ]
    parts += [
        _section(
            "goals",
            [("not reached", one) for one in outcome.missed] or [("all clients back in time, and spread", "yes")],
        ),
        _section("altogether", rows),
        _section("staleness in ms, from the acknowledgement", _lags(outcome.farm["lags"], [])),
    ]
    parts.append(_verdict(outcome.wrong))
    return "\n\n".join(parts)


def _verdict(wrong: Sequence[str]) -> str:
    return (
        "\n".join([f"{len(wrong)} wrong", *(one.splitlines()[0] for one in wrong[:50])])
        if wrong
        else "nothing is wrong"
    )


def _section(title: str, rows: Iterable[tuple[object, object]]) -> str:
    return "\n".join([title, *(f"  {name!s:48} {value}" for name, value in rows)])
