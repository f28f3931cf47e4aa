"""Makes changes with the log itself, below the services, and changes and transactions that are rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import transaction

from calendar_live import changelog
from calendar_live.models import Calendar, WorkItem
from tests.people import NINE


def new_row(calendar: Calendar, title: str = "Design review") -> WorkItem:
    return WorkItem(id=uuid4(), calendar=calendar, title=title, start=NINE, end=NINE + timedelta(hours=1))


class UndoneError(Exception):
    """Raised by a test to roll back a transaction or a savepoint."""


def change_in_vain(calendar: Calendar, actor: User) -> None:
    """Make a change that is rolled back, because its body raises."""
    with suppress(UndoneError), changelog.change(calendar.pk, actor=actor) as change:
        change.upsert(new_row(calendar))
        raise UndoneError


@contextmanager
def rolled_back() -> Iterator[None]:
    """Run a block in a transaction, or in a savepoint of an open transaction, and roll it back."""
    with suppress(UndoneError), transaction.atomic():
        yield
        raise UndoneError
