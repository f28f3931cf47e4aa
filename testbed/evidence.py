"""Gathers the evidence of a failed test: the end of each log, what each page showed, and the path of its screenshot."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final, Protocol
from weakref import WeakSet

import pytest

FOLDER: Final = Path(__file__).parents[1] / ".make" / "failures"
LINES: Final = 30  # lines of each log that the report shows


class Witness(Protocol):
    """Something that runs beside the tests. It is asked after a test has failed, before the fixtures are torn down."""

    def testify(self, test: str) -> tuple[str, str]:
        """Return a heading and a text, which is empty if there is nothing to report. `test` names files in FOLDER."""


_witnesses: Final[WeakSet[Witness]] = WeakSet()


def call_on(witness: Witness) -> None:
    """Ask a witness about every failure from now on, as long as something else refers to it."""
    _witnesses.add(witness)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the sections of the witnesses to the report of a failure."""
    report = yield
    if report.failed:
        report.sections.extend(gather(item.name))
    return report


def gather(test: str) -> Iterator[tuple[str, str]]:
    """Yield a heading and a text for each witness that has something to report."""
    name = re.sub(r"[^a-z0-9_]+", "-", test.lower())[:120]
    sections = []
    for witness in list(_witnesses):
        try:
            sections.append(witness.testify(name))
        except Exception as error:  # a page that has crashed must not hide the error of the test
            sections.append((repr(witness), f"could not be asked: {error!r}"))
    yield from sorted(section for section in sections if section[1])


def end_of(log: str) -> str:
    """Return the last lines of a log."""
    lines = log.rstrip().splitlines()
    left_out = len(lines) - LINES
    return "\n".join([f"… {left_out} lines before", *lines[-LINES:]] if left_out > 0 else lines)
