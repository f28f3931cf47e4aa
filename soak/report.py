"""The report of a soak, as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .run import Outcome


def report(outcome: Outcome) -> str:
    """Return everything a run has to say, its verdict last."""
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
            _section("staleness in ms, from the acknowledgement", _lags(farm["lags"], outcome.windows)),
            _section("reconnects", [("clients that came back", len(farm["returns"])), *away(farm["returns"])]),
            _section("feeds asked for", [("all", len(farm["feeds"]))]),
            _section("invariants", [("pictures looked at", farm["checks"]), ("violations", farm["violations"])]),
        ]
    parts += [
        _section("tracebacks in the logs of the site", outcome.tracebacks.most_common()),
        _section("memory of the processes", outcome.memory),
        f"{len(wrong)} wrong" if wrong else "nothing is wrong",
    ]
    return "\n\n".join(parts)


def _writes(mutations: Mapping[str, Counter[str]]) -> Iterable[tuple[str, str]]:
    for kind, counts in mutations.items():
        refused = " ".join(f"{what.split()[1]}: {n}" for what, n in sorted(counts.items()) if "refused" in what)
        yield kind, f"{counts['acknowledged']:6} {counts['retried']:5}   {refused}"


def _lags(
    lags: Mapping[str, Mapping[str, Any]], windows: Sequence[tuple[str, float, float]]
) -> Iterable[tuple[str, str]]:
    for kind, lag in lags.items():
        ended = max(((end, name) for name, _, end in windows if end <= lag["worstAt"]), default=None)
        after = f", {(lag['worstAt'] - ended[0]) / 1000:.1f} s after {ended[1]}" if ended else ""
        yield (
            kind,
            f"worst {lag['worst']}, p99 {lag['p99']}, p50 {lag['p50']}, of {lag['count']} ({lag['worstWas']}{after})",
        )


def away(returns: Iterable[Mapping[str, float]]) -> Iterable[tuple[str, str]]:
    """Return how long clients were away, as shares of them."""
    times = sorted((one["backAt"] - one["leftAt"]) / 1000 for one in returns)
    if times:
        shares = ", ".join(
            f"{share}%: {times[min(len(times) - 1, len(times) * share // 100)]:.1f} s" for share in (50, 90, 99)
        )
        yield "away for", f"{shares}, longest {times[-1]:.1f} s"


def by_second(times_ms: Iterable[float], *, since_ms: float) -> list[int]:
    """Return how many of these instants fell into each second since the first."""
    counts = Counter(int((at - since_ms) // 1000) for at in times_ms)
    return [counts[second] for second in range(max(counts, default=-1) + 1)]


def _section(title: str, rows: Iterable[tuple[object, object]]) -> str:
    return "\n".join([title, *(f"  {name!s:48} {value}" for name, value in rows)])
