"""Calculates percentiles and medians over rounds. All of it is pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0-1) of the ordered values do not exceed: the nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Round:
    """One deletion to all sockets of one server. Times are milliseconds since the DELETE request was sent."""

    sockets: int
    delivered: int
    twice: int
    first: float
    p50: float
    p99: float
    last: float
    answer: float
    cpu_seconds: float
    frame_bytes: int

    @classmethod
    def of(
        cls,
        arrivals: Sequence[float],
        *,
        sockets: int,
        twice: int,
        answer_seconds: float,
        cpu_seconds: float,
        frame_bytes: int,
    ) -> Round:
        """Return the figures of a round from its ordered arrivals in seconds. Without arrivals, they are infinite."""
        times = [1000 * arrival for arrival in arrivals] or [math.inf]
        return cls(
            sockets=sockets,
            delivered=len(arrivals),
            twice=twice,
            first=times[0],
            p50=percentile(times, 0.5),
            p99=percentile(times, 0.99),
            last=times[-1],
            answer=1000 * answer_seconds,
            cpu_seconds=cpu_seconds,
            frame_bytes=frame_bytes,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One server's figures: medians over its rounds. Times are in milliseconds, memory is in KiB."""

    name: str
    layer: str
    sockets: int
    rounds: int
    lost: int
    twice: int
    first: float
    p50: float
    p99: float
    p99_range: tuple[float, float]
    last: float
    answer: float
    cpu_seconds_per_million: float
    kib_per_socket: float
    idle_cpu_share: float
    alone_ms: float
    frame_bytes: int

    @classmethod
    def of(
        cls,
        rounds: Sequence[Round],
        *,
        name: str,
        layer: str,
        kib_per_socket: float,
        idle_cpu_share: float,
        alone_ms: float,
    ) -> Row:
        """Return the medians of rounds, and the sums of lost and repeated deliveries."""
        return cls(
            name=name,
            layer=layer,
            sockets=rounds[0].sockets,
            rounds=len(rounds),
            lost=sum(one.sockets - one.delivered for one in rounds),
            twice=sum(one.twice for one in rounds),
            first=median(one.first for one in rounds),
            p50=median(one.p50 for one in rounds),
            p99=median(one.p99 for one in rounds),
            p99_range=(min(one.p99 for one in rounds), max(one.p99 for one in rounds)),
            last=median(one.last for one in rounds),
            answer=median(one.answer for one in rounds),
            cpu_seconds_per_million=median(1e6 * one.cpu_seconds / max(1, one.delivered) for one in rounds),
            kib_per_socket=kib_per_socket,
            idle_cpu_share=idle_cpu_share,
            alone_ms=alone_ms,
            frame_bytes=rounds[0].frame_bytes,
        )


def row_of(rows: Iterable[Row], name: str, layer: str) -> Row:
    """Return the row of a server on a channel layer. Raises StopIteration if it was not measured."""
    return next(row for row in rows if (row.name, row.layer) == (name, layer))
