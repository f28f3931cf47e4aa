"""Write docs/openapi.json from the API, or check that it is current; never edits it by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ...api.app import api


class Command(BaseCommand):
    help = "Write the OpenAPI description of the JSON API to docs/openapi.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the file is current")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(settings.BASE_DIR) / "docs" / "openapi.json"
        current = orjson.dumps(api.get_openapi_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"
        if not options["check"]:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(current)
        elif not path.exists() or path.read_bytes() != current:
            raise CommandError("docs/openapi.json is not current: run `make docs`.")
