"""Makes rows once per process, and inserts them again for each test.

To make them with the services took half of the time of such a test.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Final, Generic, ParamSpec, TypeVar

from django.core.cache import caches
from django.core.management.color import no_style
from django.db import connection, transaction

from tests.recording import Rows, rows_of

P = ParamSpec("P")
W = TypeVar("W")


class Kept(Generic[P, W]):
    """The result of `make`, kept. Each call inserts the same rows, and returns a copy of the same objects.

    The first call makes the rows, and has to commit: otherwise SQLite could give their keys to other rows as well.
    """

    def __init__(self, make: Callable[P, W]) -> None:
        self._make: Final = make
        self._made: W | None = None
        self._rows: Rows = {}

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> W:
        """Insert the rows into a database that contains none of them."""
        if self._made is None:
            assert not connection.in_atomic_block, "what is rolled back is not kept"
            before = rows_of(_tables())
            self._made = self._make(*args, **kwargs)
            self._rows = {
                table: new
                for table, rows in rows_of(_tables()).items()
                if (new := [row for row in rows if row not in before[table]])
            }
        else:
            _write(self._rows)
        return copy.deepcopy(self._made)

    def anew(self, *args: P.args, **kwargs: P.kwargs) -> W:
        """Empty the database, and insert the rows."""
        empty()
        return self(*args, **kwargs)


def empty() -> None:
    """Remove every row, and clear the cache."""
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), _tables()))
    caches["default"].clear()


def _tables() -> list[str]:
    return connection.introspection.django_table_names(include_views=False)


def _write(tables: Rows) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, rows in tables.items():
            places = ", ".join(["%s"] * len(rows[0]))
            # The table's name is quoted, and `places` contains placeholders only.
            cursor.executemany(f"INSERT INTO {connection.ops.quote_name(table)} VALUES ({places})", rows)  # noqa: S608
