"""Changes a calendar: saves rows, moves its head, appends to the log, and announces the change set after commit."""

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

# Sent in the transaction when the log has the change, with `change_set` (protocol.changes.ChangeSet). This is for
# records that must be kept exactly when the change is kept, such as a history. A receiver that raises undoes the
# change. If a transaction changes a calendar in several parts, each part is sent with its own entries, however many
# there are.
change_logged = Signal()
# Sent after commit with `change_set` (protocol.changes.ChangeSet). Receivers must be quick. Their failures are logged.
change_committed = Signal()


def new_nonce() -> str:
    """Return 64 random bits, which tell a change set from one of the same revision in another history."""
    return secrets.token_hex(8)


@dataclass(eq=False)
class Change:
    """What the current transaction does to one calendar. Rows given to it are stamped, saved and logged."""

    calendar: str
    old: State
    state: State
    # For processes of the previous version, which cannot read wires without nulls.
    keeps_nulls: bool = False
    entries: dict[str, changes.Entry] = field(default_factory=dict)

    def upsert(self, *rows: LiveModel) -> None:
        """Save rows with this change's state and wire. New rows are inserted, known ones updated, in bulk.

        Raises ValueError for a row of another calendar, and InvalidEvent for an event object that no client could read.
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
        """Log items as destroyed. The caller deletes or marks their rows, in the same transaction.

        Give rows instead of ids if some may be secret. Receivers who may not know of those are then not sent their ids.
        """
        for item in items:
            if isinstance(item, LiveModel):
                self._note(changes.Entry(str(item.pk), None, item.visibility))
            else:
                self._note(changes.Entry(str(item), None))

    def _note(self, entry: changes.Entry) -> None:
        self.entries[entry.item] = changes.merged(self.entries.get(entry.item), entry)


class AlreadyDone(Exception):
    """This mutation id has made `change_set` before. Nothing is done again; repeat its first answer (invariant 8)."""

    def __init__(self, change_set: ChangeSet) -> None:
        super().__init__(str(change_set))
        self.change_set = change_set


@dataclass(eq=False)
class _Open:
    """A calendar's new revision in a transaction that has not ended, for another change to join."""

    old: State
    new: State
    keeps_nulls: bool
    actor: User | None
    mutation_id: UUID | None
    request_digest: str
    parts: int = 0
    announced: bool = False

    def end(self) -> None:
        """Do nothing. As one of Django's hooks, this marks the transaction that the revision belongs to."""


_open: WeakKeyDictionary[BaseDatabaseWrapper, dict[str, _Open]] = WeakKeyDictionary()


@contextmanager
def change(
    calendar: UUID | str, *, actor: User | None, mutation_id: UUID | None = None, request_digest: str = ""
) -> Iterator[Change]:
    """Change a calendar's rows: lock it and raise its revision, append to the log, and announce after commit.

    Opens a transaction unless one is open. A second change in the same transaction joins the first one's revision
    (invariant 9). Enter several calendars in ascending order of their ids.

    Raises NotFound when there is no such calendar. Raises AlreadyDone when the mutation id is known (a concurrent retry
    waits for the first one here), and KeyReused when it came with another request. Raises ValueError when a second
    change in the transaction has a mutation id.
    """
    key = str(UUID(str(calendar)))
    with transaction.atomic():
        if (
            mutation_id is not None
            and Receipt.objects.filter(user=None if actor is None else actor.pk, key=mutation_id).exists()
        ):
            raise KeyReused  # a call that writes no change set has used it, and so another request
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
        if change_logged.has_listeners(ChangeSet):
            change_logged.send(
                sender=ChangeSet, change_set=_value_of(opened, collected, tuple(collected.entries.values()))
            )
        _announce_after_commit(opened, collected)


@contextmanager
def _rows_may_be_saved(calendar: str) -> Iterator[None]:
    token = open_changes.set(open_changes.get() | {calendar})
    try:
        yield
    finally:
        open_changes.reset(token)


def _bump(calendar: UUID, actor: User | None, mutation_id: UUID | None, request_digest: str) -> _Open:
    """Raise the revision in the statement that locks the row, so that revisions are in commit order (invariant 1)."""
    nonce = new_nonce()
    if not Calendar.objects.filter(pk=calendar, deleted_at=None).update(revision=F("revision") + 1, nonce=nonce):
        raise NotFound("no_calendar")
    log = ChangeSet.objects.filter(calendar=calendar).order_by("-revision")
    keeps_nulls = Exists(Transition.objects.filter(name=NULLS_IN_WIRES))
    *head, keeps = log.values_list("revision", "nonce", keeps_nulls)[:1].get()
    old = State(*head)
    opened = _Open(old, State(old.revision + 1, nonce), keeps, actor, mutation_id, request_digest)
    _open.setdefault(transaction.get_connection(), {})[str(calendar)] = opened
    transaction.on_commit(opened.end, robust=True)
    return opened


def _join(calendar: str) -> _Open | None:
    """Return the revision that this transaction has begun for the calendar, unless it was rolled back to a savepoint.

    Django drops a hook together with its savepoint or transaction, and removes all hooks before it runs the first. So
    while our hook is among them, its transaction is the current one.
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
    if joins:  # a later part's entry for an item replaces an earlier one
        Entry.objects.filter(change_set=change_set, item__in=[row.item for row in rows]).delete()
    Entry.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)
    if joins:
        ChangeSet.objects.filter(pk=change_set.pk).update(
            entry_count=change_set.entries.count(),
            # An upper bound, which only decides whether a push becomes a reset.
            wire_bytes=F("wire_bytes") + push_bytes(collected.entries.values()),
        )


def _merge_with_earlier_parts(change_set: ChangeSet, collected: Change) -> None:
    earlier = Entry.objects.filter(change_set=change_set, item__in=list(collected.entries))
    for item, wire, visibility in earlier.values_list("item", "wire", "visibility"):
        known = changes.Entry(str(item), wire, visibility)
        collected.entries[known.item] = changes.merged(known, collected.entries[known.item])


def _change_set_of(opened: _Open, collected: Change, *, joins: bool) -> ChangeSet:
    """Insert this transaction's row of the log, or find it. An earlier part's row may be gone with its savepoint."""
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
    """Send the signal once, after commit. Django forgets the hook of a part whose savepoint is rolled back."""

    def announce() -> None:
        if not opened.announced:
            opened.announced = True
            change_committed.send_robust(sender=ChangeSet, change_set=_announcement(opened, collected))

    transaction.on_commit(announce, robust=True)


def _announcement(opened: _Open, collected: Change) -> changes.ChangeSet:
    """Return the change set to announce: without entries if it is bulk, or if parts may have been rolled back."""
    whole = opened.parts == 1 and not is_bulk(len(collected.entries), push_bytes(collected.entries.values()))
    return _value_of(opened, collected, tuple(collected.entries.values()) if whole else None)


def _value_of(opened: _Open, collected: Change, entries: tuple[changes.Entry, ...] | None) -> changes.ChangeSet:
    return changes.ChangeSet(
        calendar=collected.calendar,
        old=collected.old,
        new=collected.state,
        entries=entries,
        actor=actor_of(opened.actor),
        mutation_id=None if opened.mutation_id is None else str(opened.mutation_id),
    )


def open_calendar(calendar: Calendar, *, actor: User | None) -> None:
    """Insert a new calendar with its first row of the log, so that its first state can be verified."""
    calendar.nonce = new_nonce()
    calendar.save(force_insert=True)
    ChangeSet.objects.create(
        calendar=calendar, revision=0, nonce=calendar.nonce, actor_id=None if actor is None else actor.pk
    )
