"""Records the effects of a write: every row of the app, announcements, and statements, which can be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.apps import apps
from django.db import OperationalError, connection

from calendar_live.access import rights_changed
from calendar_live.changelog import change_committed
from calendar_live.protocol.changes import ChangeSet

Rows = dict[str, list[tuple[Any, ...]]]


def all_rows(*more: str) -> Rows:
    """Return all rows of the app's tables, and of the other apps that are named: everything that a write can change."""
    models = [model for app in ("calendar_live", *more) for model in apps.get_app_config(app).get_models()]
    return rows_of(model._meta.db_table for model in models)


def rows_of(tables: Iterable[str]) -> Rows:
    """Return every row of these tables as the database has it, without using models."""
    with connection.cursor() as cursor:
        found: Rows = {}
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")  # noqa: S608 - quoted
            found[table] = [tuple(row) for row in cursor.fetchall()]
        return found


@contextmanager
def announcements() -> Iterator[list[ChangeSet]]:
    """Yield the change sets announced within the context, in order."""
    heard: list[ChangeSet] = []

    def hear(*, change_set: ChangeSet, **_: Any) -> None:
        heard.append(change_set)

    change_committed.connect(hear)
    try:
        yield heard
    finally:
        change_committed.disconnect(hear)


@contextmanager
def told_receivers() -> Iterator[list[list[str]]]:
    """Yield the receivers of each change of rights that is announced within the context."""
    heard: list[list[str]] = []

    def hear(*, receivers: list[str], **_: Any) -> None:
        heard.append(list(receivers))

    rights_changed.connect(hear)
    try:
        yield heard
    finally:
        rights_changed.disconnect(hear)


class InjectedError(OperationalError):
    """Raised by a statement that is made to fail. Django rolls back a failed commit only for errors of the database."""


COMMIT: Final = "COMMIT"


@contextmanager
def failing_at(number: int, asked: list[str]) -> Iterator[None]:
    """Make the statement of this number (from 0) fail before it reaches the database. `asked` collects each statement.

    The commit counts as the last statement.
    """

    def ask(sql: str) -> None:
        asked.append(sql)
        if len(asked) - 1 == number:
            raise InjectedError(sql)

    def wrapper(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        ask(sql)
        return execute(sql, *rest)

    commit = connection._commit  # type: ignore[attr-defined]

    def failing_commit() -> None:
        ask(COMMIT)
        commit()

    connection._commit = failing_commit  # type: ignore[attr-defined]
    try:
        with connection.execute_wrapper(wrapper):
            yield
    finally:
        del connection._commit  # type: ignore[attr-defined]
