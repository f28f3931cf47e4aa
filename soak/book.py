"""Records each write and its answer, and compares them with the log at the end. Writes nothing itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final
from uuid import UUID

import psycopg

_LOG: Final = """
    select calendar_id, mutation_id, revision || '.' || nonce
    from calendar_live_changeset where mutation_id is not null
"""


@dataclass(slots=True)
class Mutation:
    """One write with its Idempotency-Key. `states` has the states of its 2xx answer by calendar; `refused` is a 4xx."""

    key: UUID
    kind: str
    attempts: int = 0
    states: dict[str, str] = field(default_factory=dict)
    refused: int | None = None


class Book:
    """All mutations of a run."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._mutations: list[Mutation] = []
        self._news: list[tuple[str, str, float]] = []
        self.failures: Counter[str] = Counter()  # attempts without a definite answer, by what came instead of one

    def begin(self, mutation: Mutation) -> None:
        with self._lock:
            self._mutations.append(mutation)

    def failed(self, what: str) -> None:
        with self._lock:
            self.failures[what] += 1

    def acknowledge(self, mutation: Mutation, *, states: Mapping[str, str], at_ms: float) -> None:
        """Record a 2xx answer and the state of each calendar in it."""
        with self._lock:
            mutation.states.update(states)
            self._news.extend((calendar, state, at_ms) for calendar, state in states.items())

    def refuse(self, mutation: Mutation, *, status: int) -> None:
        """Record a 4xx answer. The log must not contain this write."""
        with self._lock:
            mutation.refused = status

    def take_news(self) -> list[tuple[str, str, float]]:
        """Return (calendar, state, milliseconds) of what was acknowledged since the last call."""
        with self._lock:
            news, self._news = self._news, []
        return news

    def mutations(self) -> list[Mutation]:
        with self._lock:
            return list(self._mutations)

    def by_kind(self) -> dict[str, Counter[str]]:
        """Return, by kind, how many writes were acknowledged, retried, refused (by status) or left open."""
        counts: dict[str, Counter[str]] = {}
        for one in self.mutations():
            of_kind = counts.setdefault(one.kind, Counter())
            of_kind["acknowledged" if one.states else f"refused {one.refused}" if one.refused else "open"] += 1
            of_kind["retried"] += one.attempts > 1
        return counts


def read_log(database_url: str) -> list[tuple[str, UUID, str]]:
    """Return calendar, mutation id and state of every change set that a mutation made."""
    with psycopg.connect(database_url) as connection:
        return [(str(calendar), key, state) for calendar, key, state in connection.execute(_LOG).fetchall()]


def faults_in_log(mutations: Iterable[Mutation], log: Iterable[tuple[str, UUID, str]]) -> list[str]:
    """Return the differences between the log and the answers.

    The log must contain each acknowledged mutation exactly once, and no refused one.
    """
    found: dict[UUID, list[tuple[str, str]]] = {}
    for calendar, key, state in log:
        found.setdefault(key, []).append((calendar, state))
    faults = []
    for one in mutations:
        there = sorted(found.pop(one.key, []))
        if one.states and there != sorted(one.states.items()):
            faults.append(f"{one.kind} {one.key} was answered {one.states}, the log has {there}")
        elif one.refused is not None and there:
            faults.append(f"{one.kind} {one.key} was refused with {one.refused}, the log has {there}")
        elif not one.states and one.refused is None:
            faults.append(f"{one.kind} {one.key} never had an answer")
    faults += [f"nobody wrote {key}, the log has {there}" for key, there in found.items()]
    return faults
