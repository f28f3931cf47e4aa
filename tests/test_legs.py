"""Tests that each pattern of tests to leave out matches a test, and none that is new or that counts statements."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.legs import SAME_ON_NEWER_PYTHON, SAME_ON_POSTGRESQL, is_among, is_for_newer_python, is_for_postgresql

ROOT: Final = Path(__file__).parents[1]


def every_test() -> list[str]:
    """Return the file and name of every test, in the form of pytest's ids."""
    return [
        f"{path.relative_to(ROOT).as_posix()}::{name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if "node_modules" not in path.parts
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    ]


@pytest.mark.parametrize("pattern", [*SAME_ON_POSTGRESQL, *SAME_ON_NEWER_PYTHON])
def test_a_pattern_names_tests_that_are_there(pattern: str) -> None:
    assert any(is_among(one, [pattern]) for one in every_test())


@pytest.mark.parametrize("node", ["tests/services/test_new.py::test_x[1]", "tests/api/test_bodies.py::test_statements"])
def test_what_is_new_or_counts_statements_runs_everywhere(node: str) -> None:
    assert is_for_postgresql(node)
    assert is_for_newer_python(node)


def test_what_a_pattern_names_is_left_out_whatever_its_parameters() -> None:
    assert not is_for_postgresql("tests/api/test_bodies.py::test_a_form_is_no_body[a::b]")
    assert not is_for_newer_python("tests/deploy/test_nginx.py::test_x[statement]")
