"""Rewrite stored event objects that a previous version wrote. Run it when no process of that version is left."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from ...changelog.rewrite import rewrite_wires


class Command(BaseCommand):
    help = (
        "Store event objects without nulls from now on, and rewrite those of work items, the trash, the log and the "
        "tables of your own live models. Run it after an update, when no process of the version before runs any more. "
        "It may be repeated."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for table, rewritten, left in rewrite_wires():
            more = (
                f"; {left} were being written, or are no event objects: run this again, and verify_log" if left else ""
            )
            self.stdout.write(f"  {table}: {rewritten} rows{more}")
