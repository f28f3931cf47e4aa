"""The log of each calendar: append within a transaction, read since a state, prune. The only mover of a calendar's head; never sends."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

import orjson
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Max, OuterRef, Subquery
from django.dispatch import Signal

from ..access import User, display_name
from ..errors import CannotCalculateChanges, KeyReused, NotFound
from ..models.calendar import Calendar
from ..models.live import LiveModel, open_changes
from ..models.log import ChangeSet, Entry
from ..models.receipt import Receipt
from ..protocol import changes
from ..protocol.frames import BULK_BYTES, BULK_ENTRIES
from ..protocol.rights import JUST_HIDDEN
from ..protocol.state import State
from ..protocol.wires import BEGINNING
from ..sources import is_sound, source_of

# Sent after commit with `change_set` (protocol.changes.ChangeSet). Receivers must be quick; their failures are logged.
change_committed = Signal()

_ROWS_PER_STATEMENT: Final = 500


def new_nonce() -> str:
    """Return the 64 random bits that name one change set of one history."""
    return secrets.token_hex(8)


@dataclass(eq=False)
class Change:
    """What the current transaction does to one calendar. Rows given to it are stamped, saved and logged."""

    calendar: str
    old: State
    state: State
    entries: dict[str, changes.Entry] = field(default_factory=dict)

    def upsert(self, *rows: LiveModel) -> None:
        """Save rows with this change's state and wire. New rows are inserted, known ones updated, in bulk.

        Raises ValueError for a row of another calendar, InvalidEvent for one whose event object no client could read.
        """
        for row in rows:
            if str(row.calendar_id) != self.calendar:
                raise ValueError(
                    f"{type(row).__name__} {row.pk} is in calendar {row.calendar_id}, not in {self.calendar}, "
                    "which this change is of."
                )
            visibility = JUST_HIDDEN if _becomes_secret(row) else row.visibility
            row.state = str(self.state)
            row.wire = source_of(row).wire(row, self.state)
            self._note(changes.Entry(str(row.pk), row.wire, visibility))
        for model in dict.fromkeys(type(row) for row in rows):
            _save(model, [row for row in rows if type(row) is model])

    def destroy(self, *items: LiveModel | UUID | str) -> None:
        """Log items as destroyed. What becomes of their rows is the caller's business, in the same transaction.

        Give rows rather than ids where some may be secret: those who may not know of them are then not told their ids.
        """
        for item in items:
            if isinstance(item, LiveModel):
                self._note(changes.Entry(str(item.pk), None, item.visibility))
            else:
                self._note(changes.Entry(str(item), None))

    def _note(self, entry: changes.Entry) -> None:
        self.entries[entry.item] = changes.merged(self.entries.get(entry.item), entry)


def _becomes_secret(row: LiveModel) -> bool:
    """Whether a row is secret now and was not, as its last wire says."""
    if row.visibility != "secret" or not row.wire.startswith(BEGINNING):
        return False
    return bool(orjson.loads(row.wire).get("visibility") != "secret")


def _save(model: type[LiveModel], rows: list[LiveModel]) -> None:
    new = [row for row in rows if row._state.adding]
    known = [row for row in rows if not row._state.adding]
    if new:
        model._default_manager.bulk_create(new, batch_size=_ROWS_PER_STATEMENT)
    if len(known) == 1:
        known[0].save(force_update=True)
    elif known:
        _save_over(model, known)


def _save_over(model: type[LiveModel], rows: list[LiveModel]) -> None:
    """Write rows over those that are there. Django's `bulk_update` is a CASE per column and row: ten times as long, under the lock."""
    once = [column for column in model._meta.concrete_fields if getattr(column, "auto_now_add", False)]
    made = [[getattr(row, column.attname) for column in once] for row in rows]
    model._default_manager.bulk_create(
        rows,
        batch_size=_ROWS_PER_STATEMENT,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=[
            column.name for column in model._meta.concrete_fields if not column.primary_key and column not in once
        ],
    )
    for row, values in zip(rows, made, strict=True):
        for column, value in zip(once, values, strict=True):
            setattr(row, column.attname, value)  # which Django took for that of a new row


class AlreadyDone(Exception):
    """This mutation id made `change_set` before: nothing is done again, its first answer is to be given (invariant 8)."""

    def __init__(self, change_set: ChangeSet) -> None:
        super().__init__(str(change_set))
        self.change_set = change_set


@dataclass(eq=False)
class _Open:
    """A calendar's revision in a transaction still under way, for a second entry to join."""

    old: State
    new: State
    actor: User | None
    mutation_id: UUID | None
    request_digest: str
    parts: int = 0
    announced: bool = False

    def end(self) -> None:
        """Do nothing but hang among Django's hooks, as the mark of the transaction this belongs to."""


_open: WeakKeyDictionary[BaseDatabaseWrapper, dict[str, _Open]] = WeakKeyDictionary()


@contextmanager
def change(
    calendar: UUID | str, *, actor: User | None, mutation_id: UUID | None = None, request_digest: str = ""
) -> Iterator[Change]:
    """Change a calendar's rows: bump and lock its row on entry, append the log on leaving, announce it after commit.

    Opens a transaction unless one is open; a second entry in the same transaction joins its revision (invariant 9).
    Several calendars: enter them in ascending id. Raises NotFound when there is no such calendar, AlreadyDone when the
    mutation id is known (a concurrent retry waits for the first here), KeyReused when it came with another request, ValueError
    when a second entry comes with a mutation id of its own.
    """
    key = str(UUID(str(calendar)))
    with transaction.atomic():
        if (
            mutation_id is not None
            and Receipt.objects.filter(user=None if actor is None else actor.pk, key=mutation_id).exists()
        ):
            raise KeyReused  # of what is no change set: another request, whatever it was
        joined = _join(key)
        opened = joined or _bump(UUID(key), actor, mutation_id, request_digest)
        if mutation_id is not None:
            _refuse_repetition(UUID(key), actor, mutation_id, request_digest)
            if joined:
                raise ValueError(
                    "A mutation id belongs to the first change of a transaction: its retry would do the rest again."
                )
        collected = Change(key, opened.old, opened.new)
        with _rows_may_be_saved(key):
            yield collected
        _append(opened, collected)
        _announce_after_commit(opened, collected)


@contextmanager
def _rows_may_be_saved(calendar: str) -> Iterator[None]:
    token = open_changes.set(open_changes.get() | {calendar})
    try:
        yield
    finally:
        open_changes.reset(token)


def _bump(calendar: UUID, actor: User | None, mutation_id: UUID | None, request_digest: str) -> _Open:
    """Raise the revision in the statement that takes the row's lock, so that revision order is commit order (invariant 1)."""
    nonce = new_nonce()
    if not Calendar.objects.filter(pk=calendar, deleted_at=None).update(revision=F("revision") + 1, nonce=nonce):
        raise NotFound("There is no such calendar that you may see.")
    head = ChangeSet.objects.filter(calendar=calendar).order_by("-revision").values_list("revision", "nonce")[:1].get()
    old = State(*head)
    opened = _Open(old, State(old.revision + 1, nonce), actor, mutation_id, request_digest)
    _open.setdefault(transaction.get_connection(), {})[str(calendar)] = opened
    transaction.on_commit(opened.end, robust=True)
    return opened


def _join(calendar: str) -> _Open | None:
    """Return what this transaction has begun on the calendar already, unless a savepoint took it back.

    Django drops a hook together with the savepoint or transaction it came with, and takes all hooks down before it runs the
    first: as long as ours hangs there, its transaction is the one under way.
    """
    connection = transaction.get_connection()
    opened = _open.get(connection, {}).get(calendar)
    hangs = opened is not None and any(hook == opened.end for _, hook, *_ in connection.run_on_commit)
    return opened if hangs else None


def _refuse_repetition(calendar: UUID, actor: User | None, mutation_id: UUID, request_digest: str) -> None:
    made = ChangeSet.objects.filter(
        calendar=calendar, actor=None if actor is None else actor.pk, mutation_id=mutation_id
    ).first()
    if made is None:
        return
    if made.request_digest != request_digest:
        raise KeyReused
    raise AlreadyDone(made)


def _append(opened: _Open, collected: Change) -> None:
    joins = opened.parts > 0
    opened.parts += 1
    change_set = _change_set_of(opened, collected, joins=joins)
    if joins:
        _merge_with_earlier_parts(change_set, collected)
    rows = [
        Entry(change_set=change_set, item=UUID(entry.item), wire=entry.wire, visibility=entry.visibility)
        for entry in collected.entries.values()
    ]
    if joins:  # a later part's word on an item replaces an earlier one's
        Entry.objects.filter(change_set=change_set, item__in=[row.item for row in rows]).delete()
    Entry.objects.bulk_create(rows, batch_size=_ROWS_PER_STATEMENT)
    if joins:
        ChangeSet.objects.filter(pk=change_set.pk).update(
            entry_count=change_set.entries.count(),
            # An upper bound, which only decides when a push becomes a reset.
            wire_bytes=F("wire_bytes") + push_bytes(collected.entries.values()),
        )


def _merge_with_earlier_parts(change_set: ChangeSet, collected: Change) -> None:
    earlier = Entry.objects.filter(change_set=change_set, item__in=list(collected.entries))
    for item, wire, visibility in earlier.values_list("item", "wire", "visibility"):
        known = changes.Entry(str(item), wire, visibility)
        collected.entries[known.item] = changes.merged(known, collected.entries[known.item])


def _change_set_of(opened: _Open, collected: Change, *, joins: bool) -> ChangeSet:
    """Insert this transaction's log row, or find it: an earlier part may have been rolled back with its savepoint."""
    place = {"calendar_id": collected.calendar, "revision": collected.state.revision}
    found = ChangeSet.objects.filter(**place).first() if joins else None
    return found or ChangeSet.objects.create(
        **place,
        nonce=collected.state.nonce,
        actor_id=None if opened.actor is None else opened.actor.pk,
        mutation_id=opened.mutation_id,
        request_digest=opened.request_digest,
        entry_count=len(collected.entries),
        wire_bytes=push_bytes(collected.entries.values()),
    )


def push_bytes(entries: Iterable[changes.Entry]) -> int:
    """Return about how many bytes entries take in a frame."""
    return sum(len(entry.wire.encode()) if entry.wire is not None else len(entry.item) + 3 for entry in entries)


def _announce_after_commit(opened: _Open, collected: Change) -> None:
    """Send the signal after commit, once; Django forgets a part whose savepoint is rolled back."""

    def announce() -> None:
        if not opened.announced:
            opened.announced = True
            change_committed.send_robust(sender=ChangeSet, change_set=_announcement(opened, collected))

    transaction.on_commit(announce, robust=True)


def _announcement(opened: _Open, collected: Change) -> changes.ChangeSet:
    """Return the change set to announce: by its states alone when it is bulk, or when the log alone knows which parts remain."""
    whole = opened.parts == 1 and not is_bulk(len(collected.entries), push_bytes(collected.entries.values()))
    return changes.ChangeSet(
        calendar=collected.calendar,
        old=collected.old,
        new=collected.state,
        entries=tuple(collected.entries.values()) if whole else None,
        actor=_actor_of(opened.actor),
        mutation_id=None if opened.mutation_id is None else str(opened.mutation_id),
    )


def is_bulk(entry_count: int, wire_bytes: int) -> bool:
    """Whether a change set is too large to push: receivers load the feed again instead."""
    return entry_count > BULK_ENTRIES or wire_bytes > BULK_BYTES


def _actor_of(user: User | None) -> changes.Actor | None:
    if user is None or user.pk is None:
        return None
    return changes.Actor(str(user.pk), display_name(user))


def open_calendar(calendar: Calendar, *, actor: User | None) -> None:
    """Insert a new calendar with its first log row, so that its state can be verified from the start."""
    calendar.nonce = new_nonce()
    calendar.save(force_insert=True)
    ChangeSet.objects.create(
        calendar=calendar, revision=0, nonce=calendar.nonce, actor_id=None if actor is None else actor.pk
    )


@dataclass(frozen=True, slots=True)
class Since:
    """Change sets after a state, oldest first. `has_more`: ask again from the last one's state."""

    change_sets: tuple[changes.ChangeSet, ...]
    has_more: bool


def read_since(calendar: str, since: State, *, max_sets: int, max_bytes: int) -> Since:
    """Return what changed after a state, at most so many sets and bytes (but at least one set). Bulk sets come without entries.

    Raises CannotCalculateChanges when the log does not hold a row of that revision and nonce (invariant 6).
    """
    found = list(
        ChangeSet.objects.filter(calendar=UUID(calendar), revision__gte=since.revision)
        .select_related("actor")
        .order_by("revision")[: max_sets + 2]
    )
    if found and found[0].revision > since.revision:
        raise CannotCalculateChanges("pruned")
    if not found or found[0].state != since:
        raise CannotCalculateChanges("diverged")
    if any(later.revision != earlier.revision + 1 for earlier, later in pairwise(found)):
        raise CannotCalculateChanges("pruned")
    taken = _within(found[1 : max_sets + 1], max_bytes)
    entries = _entries_of([row for row in taken if not is_bulk(row.entry_count, row.wire_bytes)])
    sets = tuple(
        _as_value(earlier, later, entries.get(later.pk)) for earlier, later in pairwise(found[: len(taken) + 1])
    )
    return Since(sets, has_more=len(found) - 1 > len(taken))


def named_after(calendar: str, state: State, items: Iterable[str]) -> set[str]:
    """Return which of some items the log names after a state: what was said of them before is not what they are."""
    later = Entry.objects.filter(
        change_set__calendar=UUID(calendar),
        change_set__revision__gt=state.revision,
        item__in=[UUID(one) for one in items],
    )
    return {str(item) for item in later.values_list("item", flat=True)}


def _within(rows: list[ChangeSet], max_bytes: int) -> list[ChangeSet]:
    taken: list[ChangeSet] = []
    total = 0
    for row in rows:
        bulk = is_bulk(row.entry_count, row.wire_bytes)
        total += 0 if bulk else row.wire_bytes
        if taken and total > max_bytes:
            break
        taken.append(row)
    return taken


def _entries_of(rows: list[ChangeSet]) -> dict[int, tuple[changes.Entry, ...]]:
    """Return the entries of change sets; raises CannotCalculateChanges when pruning took some between the two statements."""
    entries: dict[int, list[changes.Entry]] = {row.pk: [] for row in rows}
    values = Entry.objects.filter(change_set__in=[row.pk for row in rows if row.entry_count]).order_by("id")
    calendars = {row.pk: str(row.calendar_id) for row in rows}
    for key, item, wire, visibility in values.values_list("change_set_id", "item", "wire", "visibility"):
        entries[key].append(read_entry(str(item), wire, visibility, calendar=calendars[key]))
    if any(len(entries[row.pk]) != row.entry_count for row in rows):
        raise CannotCalculateChanges("pruned")
    return {key: tuple(found) for key, found in entries.items()}


def read_entry(item: str, wire: str | None, visibility: str, *, calendar: str) -> changes.Entry:
    """Return an entry that was logged or announced. An item whose wire may not be sent reads as destroyed, as in a feed it is not there."""
    if wire is not None and not is_sound(wire, item=item, calendar=calendar):
        wire = None
    return changes.Entry(item, wire, visibility)


def _as_value(earlier: ChangeSet, later: ChangeSet, entries: tuple[changes.Entry, ...] | None) -> changes.ChangeSet:
    return changes.ChangeSet(
        calendar=str(later.calendar_id),
        old=earlier.state,
        new=later.state,
        entries=entries,
        actor=_actor_of(later.actor),
        mutation_id=None if later.mutation_id is None else str(later.mutation_id),
    )


def heads(calendars: Iterable[str]) -> dict[str, State]:
    """Return the heads of calendars; those that are gone are left out. One statement."""
    rows = Calendar.objects.filter(pk__in=list(calendars), deleted_at=None).values_list("pk", "revision", "nonce")
    return {str(calendar): State(revision, nonce) for calendar, revision, nonce in rows}


def prune(*, before: datetime, at_most: int | None = None) -> int:
    """Delete change sets made before an instant (the oldest ones, at most so many), but never a calendar's newest. Return how many."""
    newest = (
        ChangeSet.objects.filter(calendar=OuterRef("calendar"))
        .order_by()
        .values("calendar")
        .annotate(newest=Max("revision"))
        .values("newest")
    )
    old = ChangeSet.objects.filter(made_at__lt=before, revision__lt=Subquery(newest))
    with transaction.atomic():
        # What the deletion of a user holds is left for the next time: who waits for it, row by row, has rows that it waits for.
        free = old.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)[:at_most]
        return ChangeSet.objects.filter(pk__in=list(free)).delete()[1].get(ChangeSet._meta.label, 0)
