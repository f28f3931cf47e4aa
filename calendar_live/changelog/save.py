"""Saves rows of live models in bulk."""

from __future__ import annotations

from typing import Final

from ..models.live import LiveModel

ROWS_PER_STATEMENT: Final = 500


def save_rows(model: type[LiveModel], rows: list[LiveModel]) -> None:
    """Insert those rows of a model that are new, and update the others."""
    new = [row for row in rows if row._state.adding]
    known = [row for row in rows if not row._state.adding]
    if new:
        model._default_manager.bulk_create(new, batch_size=ROWS_PER_STATEMENT)
    if len(known) == 1:
        known[0].save(force_update=True)
    elif known:
        _save_over(model, known)


def _save_over(model: type[LiveModel], rows: list[LiveModel]) -> None:
    """Update rows by an upsert.

    Django's `bulk_update` writes a CASE for each column and row, and the lock would be held ten times as long.
    """
    once = [column for column in model._meta.concrete_fields if getattr(column, "auto_now_add", False)]
    made = [[getattr(row, column.attname) for column in once] for row in rows]
    model._default_manager.bulk_create(
        rows,
        batch_size=ROWS_PER_STATEMENT,
        update_conflicts=True,
        unique_fields=["pk"],
        update_fields=[
            column.name for column in model._meta.concrete_fields if not column.primary_key and column not in once
        ],
    )
    for row, values in zip(rows, made, strict=True):
        for column, value in zip(once, values, strict=True):
            setattr(row, column.attname, value)  # Django has overwritten it, as for a new row
