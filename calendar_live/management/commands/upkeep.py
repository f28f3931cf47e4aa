"""Do the background work now: for sites whose processes serve no WebSocket, by a timer of the machine. Safe beside a running site."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ...background.thread import TASKS, run_once


class Command(BaseCommand):
    help = "Prune the log and empty the trash, as LOG_DAYS and TRASH_DAYS say. Running sites do it by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        done = run_once(timezone.now())
        for name, count in done.items():
            self.stdout.write(f"  {name}: {count} rows")
        if failed := [name for name in TASKS if name not in done]:
            raise CommandError(f"Failed: {', '.join(failed)}.")
