"""Compares the log with the calendars and rows, and reports where they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count

from ..errors import Malformed
from ..models.calendar import Calendar
from ..models.live import LiveModel
from ..models.log import ChangeSet, Entry
from ..protocol.state import State
from ..protocol.wires import whole
from ..sources import InvalidEvent, Source, all_sources

_CHUNK: Final = 500  # rows held in memory at a time


@dataclass(frozen=True, slots=True)
class Told:
    """The log's last entry for an item: its wire (None: destroyed), and the state of its change set."""

    wire: str | None
    state: str


def differences(calendar_id: UUID) -> Iterator[str]:
    """Yield a line for each difference between a calendar, its log and its rows, in one snapshot. Writers do not wait.

    Rows whose last change has been pruned from the log are not compared with it.
    """
    with _one_snapshot():
        head = Calendar.objects.get(pk=calendar_id).state
        log = list(ChangeSet.objects.filter(calendar=calendar_id).annotate(told=Count("entries")).order_by("revision"))
        yield from _of_the_log(head, log)
        told = _last_words(calendar_id)
        yield from _of_the_rows(calendar_id, head, {row.revision for row in log}, told)


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Read from one snapshot, without making a writer wait."""
    connection.ensure_connection()
    mode = getattr(connection, "transaction_mode", None)
    if connection.vendor == "sqlite":  # its transactions are snapshots; IMMEDIATE would take the writers' lock
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]  # only SQLite has it
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    finally:
        if connection.vendor == "sqlite":
            connection.transaction_mode = mode  # type: ignore[attr-defined]  # as above


def _of_the_log(head: State, log: Sequence[ChangeSet]) -> Iterator[str]:
    if not log:
        yield f"The log is empty; the calendar is at {head}."
        return
    if log[-1].state != head:
        yield f"The log ends at {log[-1].state}; the calendar is at {head}."
    for earlier, later in pairwise(log):
        if later.revision != earlier.revision + 1:
            yield f"The log has nothing between {earlier.state} and {later.state}."
    for row in log:
        if row.told != row.entry_count:  # type: ignore[attr-defined]  # annotated
            yield f"{row.state} has {row.told} entries; {row.entry_count} were logged."  # type: ignore[attr-defined]


def _last_words(calendar_id: UUID) -> dict[UUID, Told]:
    entries = Entry.objects.filter(change_set__calendar=calendar_id).order_by("change_set__revision")
    values = entries.values_list("item", "wire", "change_set__revision", "change_set__nonce")
    return {
        item: Told(wire, str(State(revision, nonce)))
        for item, wire, revision, nonce in values.iterator(chunk_size=_CHUNK)
    }


def _of_the_rows(calendar_id: UUID, head: State, logged: Collection[int], told: dict[UUID, Told]) -> Iterator[str]:
    alive = set()
    for source in all_sources():
        rows = source.model._default_manager.filter(calendar=calendar_id, deleted_at=None)
        for row in rows.prefetch_related(*source.reads).order_by("pk").iterator(chunk_size=_CHUNK):
            alive.add(row.pk)
            yield from _of_a_row(row, told.get(row.pk), head, logged)
            yield from _of_a_wire(source, row, head)
    for item, word in told.items():
        if word.wire is not None and item not in alive:
            yield f"{item}: the log says at {word.state} that it is there; it is not."


def _of_a_wire(source: Source[LiveModel], row: LiveModel, head: State) -> Iterator[str]:
    try:
        if not _say_the_same(source.wire(row, _state_of(row) or head), row.wire):
            yield f"{row.pk}: its wire is not what its columns say."
    except InvalidEvent as error:
        yield f"{row.pk}: {error}"


def _of_a_row(row: LiveModel, word: Told | None, head: State, logged: Collection[int]) -> Iterator[str]:
    state = _state_of(row)
    if state is None or state.revision > head.revision:
        yield f"{row.pk}: its state {row.state!r} is none that this calendar has had."
    elif word is None:
        if state.revision in logged and state.revision != min(logged):
            yield f"{row.pk}: it changed at {row.state}; the log says nothing of it."
    elif word.wire is None:
        yield f"{row.pk}: the log says at {word.state} that it is gone; it is there."
    elif word.state != row.state:
        yield f"{row.pk}: it is at {row.state}; the log's last word on it is of {word.state}."
    elif not _say_the_same(word.wire, row.wire):
        yield f"{row.pk}: its wire is not the one that was logged at {word.state}."


def _say_the_same(one: str, other: str) -> bool:
    """Whether two wires say the same, whichever version wrote them: versions before protocol 2 wrote nulls."""
    try:
        return one == other or whole(one) == whole(other)
    except (ValueError, TypeError):  # one of them is no event object
        return False


def _state_of(row: LiveModel) -> State | None:
    try:
        return State.parse(row.state)
    except Malformed:
        return None
