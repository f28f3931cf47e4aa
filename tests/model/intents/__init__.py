"""Holds the scenarios. `python -m tests.model.intents` writes them to scenarios/ as JSON, for other tests to replay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.model.intents import edits, feeds, frames, resets
from tests.model.intents.register import SCENARIOS

__all__ = ["FOLDER", "SCENARIOS", "edits", "feeds", "frames", "resets", "text_of"]

FOLDER: Final = Path(__file__).parents[1] / "scenarios"


def text_of(name: str) -> str:
    """Return the text of a scenario's file."""
    rules, function = SCENARIOS[name]
    whole = {"name": name.replace("-", " "), "rules": rules, "steps": function().steps}
    return json.dumps(whole, indent=1) + "\n"
