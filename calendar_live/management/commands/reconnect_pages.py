"""Ask all open pages to reconnect, spread over a period, so that new servers get their share of the pages."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...live import endings


class Command(BaseCommand):
    help = (
        "Tell every open page, on every server, to connect anew within a time. "
        "Nothing is lost: pages catch up by replay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--spread-ms", type=int, default=10_000, help="spread over this many milliseconds (10000)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 0 <= options["spread_ms"] <= 600_000:
            raise CommandError("--spread-ms must be from 0 to 600000.")
        try:
            endings.send_reconnect(spread_ms=options["spread_ms"])
        except Exception as failure:  # the layer's client may raise anything
            raise CommandError(f"The channel layer did not take it: {failure}") from failure
        self.stdout.write(
            "  Told. (With the in-memory layer nobody hears it: its processes do not know of each other.)"
        )
