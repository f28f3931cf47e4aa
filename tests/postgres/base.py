"""The site's PostgreSQL backend, except that tests empty their tables with DELETE.

TRUNCATE is slower for them: it creates new files for every table and index.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import operations

from project.postgres import base


class DatabaseOperations(operations.DatabaseOperations):
    """Empties tables row by row, because a test leaves few rows. Foreign keys are checked at the end."""

    def sql_flush(
        self, style: Any, tables: Any, *, reset_sequences: bool = False, allow_cascade: bool = False
    ) -> list[str]:
        """Return the statements that empty tables."""
        if reset_sequences or not tables:
            return super().sql_flush(style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade)
        emptied = [f"DELETE FROM {self.quote_name(table)}" for table in tables]  # noqa: S608 - Django quotes the names
        return ["SET CONSTRAINTS ALL DEFERRED", *emptied]


class DatabaseWrapper(base.DatabaseWrapper):
    """The site's wrapper, with these operations."""

    ops_class = DatabaseOperations
