"""Tests the site's ASGI application in a process of its own, because its changes to a process cannot be undone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_collector_leaves_what_is_loaded_alone_and_comes_seldom() -> None:
    tell = "import gc, json, project.asgi; print(json.dumps([gc.get_freeze_count(), *gc.get_threshold()]))"
    told = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    frozen, *thresholds = json.loads(told)
    assert frozen > 100_000
    assert thresholds == [50_000, 20, 20]
