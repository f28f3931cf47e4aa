"""PostgreSQL as the site has it, but for how tests empty their tables: TRUNCATE makes every file of every table and index anew."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import operations

from project.postgres import base


class DatabaseOperations(operations.DatabaseOperations):
    """Django's, with tables emptied row by row: after a test there are few. Foreign keys are looked at in the end."""

    def sql_flush(
        self, style: Any, tables: Any, *, reset_sequences: bool = False, allow_cascade: bool = False
    ) -> list[str]:
        """Return the statements that empty tables."""
        if reset_sequences or not tables:
            return super().sql_flush(style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade)
        emptied = [f"DELETE FROM {self.quote_name(table)}" for table in tables]  # noqa: S608 - Django quotes the names
        return ["SET CONSTRAINTS ALL DEFERRED", *emptied]


class DatabaseWrapper(base.DatabaseWrapper):
    """The site's."""

    ops_class = DatabaseOperations
