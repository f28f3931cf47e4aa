"""Change a calendar: stamp and save rows, append the log, and announce the change after commit. The only mover of its head."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Exists, F
from django.dispatch import Signal

from ..access import User
from ..errors import KeyReused, NotFound
from ..models.calendar import Calendar
from ..models.live import LiveModel, open_changes
from ..models.log import ChangeSet, Entry
from ..models.receipt import Receipt
from ..models.transition import NULLS_IN_WIRES, Transition
from ..protocol import changes
from ..protocol.rights import JUST_HIDDEN
from ..protocol.state import State
from ..protocol.wires import with_nulls
from ..sources import source_of
from .save import ROWS_PER_STATEMENT, save_rows
from .values import actor_of, is_bulk, push_bytes

# Sent after commit with `change_set` (protocol.changes.ChangeSet). Receivers must be quick; their failures are logged.
change_committed = Signal()


def new_nonce() -> str:
    """Return the 64 random bits that name one change set of one history."""
    return secrets.token_hex(8)


@dataclass(eq=False)
class Change:
    """What the current transaction does to one calendar. Rows given to it are stamped, saved and logged."""

    calendar: str
    old: State
    state: State
    # For processes of the version before, which cannot read wires without nulls.
    keeps_nulls: bool = False
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
            visibility = JUST_HIDDEN if row.becomes_secret() else row.visibility
            row.state = str(self.state)
            wire = source_of(row).wire(row, self.state)
            row.wire = with_nulls(wire) if self.keeps_nulls else wire
            self._note(changes.Entry(str(row.pk), row.wire, visibility))
        for model in dict.fromkeys(type(row) for row in rows):
            save_rows(model, [row for row in rows if type(row) is model])
        for row in rows:
            row.note_saved()

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
    keeps_nulls: bool
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
        collected = Change(key, opened.old, opened.new, opened.keeps_nulls)
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
    log = ChangeSet.objects.filter(calendar=calendar).order_by("-revision")
    keeps_nulls = Exists(Transition.objects.filter(name=NULLS_IN_WIRES))
    *head, keeps = log.values_list("revision", "nonce", keeps_nulls)[:1].get()
    old = State(*head)
    opened = _Open(old, State(old.revision + 1, nonce), keeps, actor, mutation_id, request_digest)
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
    Entry.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)
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
        actor=actor_of(opened.actor),
        mutation_id=None if opened.mutation_id is None else str(opened.mutation_id),
    )


def open_calendar(calendar: Calendar, *, actor: User | None) -> None:
    """Insert a new calendar with its first log row, so that its state can be verified from the start."""
    calendar.nonce = new_nonce()
    calendar.save(force_insert=True)
    ChangeSet.objects.create(
        calendar=calendar, revision=0, nonce=calendar.nonce, actor_id=None if actor is None else actor.pk
    )
