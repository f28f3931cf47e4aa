"""Makes the site store wires without nulls from now on, and rewrites the stored wires that have nulls.

Such wires are in the rows of every live model, and in the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from django.db import models, transaction

from ..models.log import Entry
from ..models.transition import NULLS_IN_WIRES, Transition
from ..protocol.wires import bare
from ..sources import all_sources

_BATCH: Final = 200  # rows per transaction, so that a writer never waits for long


class Rewritten(NamedTuple):
    """The result of a pass over one table.

    `left`: the rows that were being written, or whose wire is not an event object.
    """

    table: str
    rewritten: int
    left: int


def rewrite_wires() -> Iterator[Rewritten]:
    """Rewrite one table after another, including deleted rows, and yield the result for each of them.

    States do not change. So no ETag changes, and nobody needs to be told. A row that is written meanwhile stays as it
    was written.
    """
    Transition.objects.filter(name=NULLS_IN_WIRES).delete()
    tables: list[type[models.Model]] = [*(source.model for source in all_sources()), Entry]
    for model in tables:
        yield _rewrite_table(model)


def _rewrite_table(model: type[models.Model]) -> Rewritten:
    candidates = model._base_manager.filter(wire__contains=":null").order_by("pk").values_list("pk", "wire")
    done = left = 0
    batch = list(candidates[:_BATCH])
    while batch:
        found = {key: (wire, new) for key, wire in batch if (new := _bare(wire)) != wire}
        rewritten = _replace(model, found)
        done += rewritten
        left += len(found) - rewritten
        batch = list(candidates.filter(pk__gt=batch[-1][0])[:_BATCH])
    return Rewritten(model._meta.label, done, left)


def _bare(wire: str) -> str | None:
    try:
        return bare(wire)
    except (ValueError, TypeError):  # the row was written past the log, and verify_log names it
        return None


def _replace(model: type[models.Model], wires: dict[Any, tuple[str, str | None]]) -> int:
    """Rewrite rows in one transaction, each only if it still has the wire that was read. Return how many."""
    with transaction.atomic():
        # Rows that another transaction has locked are skipped. That transaction may be waiting for a row locked here.
        free = model._base_manager.filter(pk__in=list(wires)).order_by("pk").select_for_update(skip_locked=True)
        done = 0
        for key in list(free.values_list("pk", flat=True)):
            wire, new = wires[key]
            if new is not None:
                done += model._base_manager.filter(pk=key, wire=wire).update(wire=new)
        return done
