"""Do the background work now. For sites where a timer of the machine runs this command."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ...background.duties import DUTIES, run


class Command(BaseCommand):
    help = "Prune the log and empty the trash, as LOG_DAYS and TRASH_DAYS say. Running sites do it by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        done = {duty.name: run(duty, now) for duty in DUTIES}
        for name, count in done.items():
            if count is not None:
                self.stdout.write(f"  {name}: {count} rows")
        if failed := [name for name, count in done.items() if count is None]:
            raise CommandError(f"Failed: {', '.join(failed)}.")
