"""Repeat a test, a module or any command while all processors are busy, and count the failures of each test.

    python tools/flakes.py tests/e2e/test_undo.py --times 20
    python tools/flakes.py frontend/tests/core/connection.test.ts
    python tools/flakes.py --times 5 -- make test

The output of each run is kept in .make/flakes/. The exit code is 1 if any run fails.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOGS: Final = ROOT / ".make" / "flakes"
# Ends by itself when its parent process is gone, however that ended.
SPIN: Final = "import os, sys\nwhile os.getppid() == int(sys.argv[1]): pass"
# The lines in which pytest and vitest name a failed test.
FAILED: Final = re.compile(r"^(?:FAILED|ERROR| FAIL) +(\S.*?)(?: - .*)?$", re.MULTILINE)
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def kept_busy(processors: int) -> Iterator[None]:
    """Keep a number of processors busy as long as the context lasts."""
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN, str(os.getpid())]) for _ in range(processors)]
    try:
        yield
    finally:
        for one in spinning:
            one.kill()
            one.wait()


def command_of(tests: Sequence[str]) -> list[str]:
    """Return the command of pytest or vitest that runs these tests once. Raises ValueError for none or both kinds."""
    in_front_end = [one.removeprefix("frontend/") for one in tests if one.startswith("frontend/")]
    if not tests or 0 < len(in_front_end) < len(tests):
        raise ValueError("Name tests of pytest, or tests below frontend/, or a command after --.")
    if in_front_end:
        return ["npm", "--prefix", "frontend", "test", "--", *in_front_end]
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]


def repeat(command: Sequence[str], *, times: int, busy: int) -> Counter[str]:
    """Run a command `times` times. Return how often each test failed.

    A run that fails without naming a test counts as `(the command)`.
    """
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    failures: Counter[str] = Counter()
    with kept_busy(busy):
        for number in range(1, times + 1):
            path, started = LOGS / f"{number}.log", time.monotonic()
            with path.open("wb") as log:
                code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log).returncode
            seconds = time.monotonic() - started
            found = failed_in(path.read_text(errors="replace")) if code else set()
            failures.update(sorted(found) or (["(the command)"] if code else []))
            told = f"failed: {', '.join(sorted(found)) or f'exit code {code}'} ({path})" if code else "passed"
            print(f"{number} of {times}, {seconds:.0f} s: {told}", flush=True)
    return failures


def failed_in(output: str) -> set[str]:
    """Return the tests that an output names as failed."""
    return set(FAILED.findall(COLOURS.sub("", output)))


def main(arguments: Sequence[str]) -> int:
    """Return 1 if any run failed, otherwise 0. Exit with 2 if there is nothing to run."""
    parser = argparse.ArgumentParser(
        prog="python tools/flakes.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10, help="how often (10)")
    parser.add_argument("--busy", type=int, default=os.cpu_count() or 1, help="processors kept busy (all)")
    parser.add_argument("tests", nargs="*", help="as pytest or vitest takes them")
    given, command = list(arguments), list[str]()
    if "--" in given:
        at = given.index("--")
        given, command = given[:at], given[at + 1 :]
    asked = parser.parse_args(given)
    try:
        command = command or command_of(asked.tests)
    except ValueError as error:
        parser.error(str(error))
    failures = repeat(command, times=asked.times, busy=asked.busy)
    for test, count in failures.most_common():
        print(f"{count} of {asked.times}: {test}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
