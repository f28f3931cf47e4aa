"""Tests that `make flakes` repeats a command, keeps processors busy meanwhile, and counts the tests that failed."""

import subprocess
import sys
from pathlib import Path
from typing import Final

import psutil
import pytest

from testbed.waiting import wait_until
from tools import flakes

# Fails in the second run, with the output that pytest would print.
SECOND_FAILS: Final = """
count=$(cat {count} 2>/dev/null || echo 0)
echo $((count + 1)) > {count}
if [ "$count" = 1 ]; then
    printf '\\033[31mFAILED\\033[0m tests/test_a.py::test_b[c d] - AssertionError: e\\nERROR tests/test_a.py::test_f\\n'
    exit 1
fi
"""


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flakes, "LOGS", tmp_path / "flakes")


def test_each_failed_test_is_counted_and_its_output_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = SECOND_FAILS.format(count=tmp_path / "count")
    assert flakes.main(["--times", "3", "--busy", "0", "--", "sh", "-c", script]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[2].partition(" (")[0] for line in told[:3]] == [
        "passed",
        "failed: tests/test_a.py::test_b[c d], tests/test_a.py::test_f",
        "passed",
    ]
    assert told[3:] == ["1 of 3: tests/test_a.py::test_b[c d]", "1 of 3: tests/test_a.py::test_f"]
    assert "AssertionError: e" in (tmp_path / "flakes" / "2.log").read_text()


def test_a_command_that_names_no_test_is_counted_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert flakes.main(["--times", "1", "--busy", "0", "--", "sh", "-c", "exit 4"]) == 1
    assert "failed: exit code 4" in capsys.readouterr().out


def test_what_never_fails_ends_with_zero() -> None:
    assert flakes.main(["--times", "2", "--busy", "0", "--", "true"]) == 0


def test_processors_are_busy_only_meanwhile() -> None:
    def spinning() -> list[psutil.Process]:
        return [one for one in psutil.Process().children() if flakes.SPIN in one.cmdline()]

    with flakes.kept_busy(2):
        wait_until(lambda: len(spinning()) == 2, what="both to have started")
        busy = spinning()
    assert psutil.wait_procs(busy, timeout=10)[1] == []


def test_who_is_killed_leaves_no_busy_processor_behind() -> None:
    script = "from tools import flakes\nwith flakes.kept_busy(1): input()"
    with subprocess.Popen([sys.executable, "-c", script], cwd=flakes.ROOT, stdin=subprocess.PIPE) as running:
        spinning = wait_until(psutil.Process(running.pid).children, what="the busy processor")
        running.kill()
    assert psutil.wait_procs(spinning, timeout=10)[1] == []


def test_tests_of_both_kinds_have_their_runners() -> None:
    assert flakes.command_of(["tests/test_a.py::test_b"])[1:] == [
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "tests/test_a.py::test_b",
    ]
    assert flakes.command_of(["frontend/tests/a.test.ts"])[-2:] == ["--", "tests/a.test.ts"]


@pytest.mark.parametrize("tests", [[], ["tests/test_a.py", "frontend/tests/a.test.ts"]])
def test_nothing_to_run_and_both_kinds_at_once_are_refused(tests: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        flakes.main(tests)
    assert refused.value.code == 2
