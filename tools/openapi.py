"""Write docs/openapi.json from the API. With `--check`, only check that it is current."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import django
import orjson

PATH: Final = Path(__file__).parents[1] / "docs" / "openapi.json"


def describe() -> bytes:
    """Return the OpenAPI description of the JSON API as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from calendar_live.api.app import api  # noqa: PLC0415 - only after setup

    return orjson.dumps(api.get_openapi_schema(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"


def main(arguments: Sequence[str]) -> int:
    """Write the file. With `--check`, return 1 if it is not current."""
    current = describe()
    if "--check" not in arguments:
        PATH.write_bytes(current)
    elif not PATH.exists() or PATH.read_bytes() != current:
        print("docs/openapi.json is not current: run `make docs`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
