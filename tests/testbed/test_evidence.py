"""Tests that the report of a failed test ends with the sections of the witnesses, even if a witness itself fails."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from testbed import evidence

ROOT: Final = Path(__file__).parents[2]
MODULE: Final = """
from testbed import evidence

class Log:
    def testify(self, test):
        return "Log of a process", f"the last word before {test}"

class Crashed:
    def testify(self, test):
        raise ConnectionError("gone")

class Silent:
    def testify(self, test):
        return "Log of nothing", ""

witnesses = [Log(), Crashed(), Silent()]
for one in witnesses:
    evidence.call_on(one)

def test_fails():
    assert 1 == 2

def test_passes():
    pass
"""


def test_a_failure_is_reported_with_what_every_witness_says(tmp_path: Path) -> None:
    """Seen failing without the hook, and when a witness that raises is not caught."""
    (tmp_path / "test_module.py").write_text(MODULE)
    options = ["-p", "testbed.evidence", "-p", "no:django", "-p", "no:cacheprovider", "-c", str(tmp_path / "none.ini")]
    (tmp_path / "none.ini").write_text("[pytest]\n")
    ran = subprocess.run([sys.executable, "-m", "pytest", *options, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert "1 failed, 1 passed" in ran.stdout
    assert "assert 1 == 2" in ran.stdout
    assert "Log of a process" in ran.stdout
    assert "the last word before test-fails" in ran.stdout.replace("_", "-")
    assert "could not be asked: ConnectionError('gone')" in ran.stdout
    assert "Log of nothing" not in ran.stdout


def test_only_the_end_of_a_long_log_is_told() -> None:
    lines = [f"line {number}" for number in range(100)]
    told = evidence.end_of("\n".join(lines)).splitlines()
    assert told == [f"… {100 - evidence.LINES} lines before", *lines[-evidence.LINES :]]
    assert evidence.end_of("one\ntwo\n") == "one\ntwo"
