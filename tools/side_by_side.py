"""Run commands side by side: for `make test`, whose parts wait more than they compute. Knows nothing of what they do.

    python tools/side_by_side.py ::: first command ::: second command

The first one's output is shown as it comes, that of each other one when all have ended, then how long each one took and, once more, the
last lines of each that failed. The exit code is that of the first that failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

SEPARATOR: Final = ":::"
STOP_TIMEOUT_SECONDS: Final = 30
POLL_SECONDS: Final = 0.2
# What pytest and vitest end with: the tests that failed, one line each. Long lines are cut.
LAST_LINES, LAST_COLUMNS = 12, 240


def commands_of(words: Sequence[str]) -> list[list[str]]:
    """Return the commands between separators."""
    return [list(group) for is_separator, group in groupby(words, SEPARATOR.__eq__) if not is_separator]


@dataclass
class Part:
    """A command that runs, and what it says."""

    command: str
    process: subprocess.Popen[bytes]
    output: Path
    shown: int = 0  # bytes
    seconds: float | None = None

    def show(self) -> None:
        """Print what it has said since this was last called."""
        with self.output.open("rb") as output:
            output.seek(self.shown)
            self.shown += sys.stdout.buffer.write(output.read())
        sys.stdout.flush()

    def last_lines(self) -> str:
        """Return the end of what it said."""
        lines = self.output.read_text(errors="replace").rstrip().splitlines()[-LAST_LINES:]
        return "\n".join(line[:LAST_COLUMNS] for line in lines)


def run(commands: Sequence[Sequence[str]]) -> int:
    """Run commands until all have ended; return the exit code of the first that failed, or 0."""
    with tempfile.TemporaryDirectory() as folder:
        parts: list[Part] = []
        try:
            for number, command in enumerate(commands):
                with _held_back(signal.SIGTERM, signal.SIGINT):  # or what has just started would be known to nobody
                    parts.append(_start(command, Path(folder, str(number))))
            _await(parts)
        finally:
            for part in parts:
                _end(part.process)
            for part in parts:
                if part is not parts[0]:
                    print(f"\n--- {part.command}", flush=True)
                part.show()
        print()
        for part in parts:
            print(f"{part.seconds:6.0f} s, exit code {part.process.returncode}: {part.command}", flush=True)
        failed = [part for part in parts if part.process.returncode]
        for part in failed:
            print(f"\nThe end of what failed with {part.process.returncode}:\n{part.last_lines()}", flush=True)
        return abs(failed[0].process.returncode) if failed else 0


def _start(command: Sequence[str], path: Path) -> Part:
    """Start a command that writes all it says to a file."""
    with path.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    return Part(" ".join(command), process, path)


def _await(parts: Sequence[Part]) -> None:
    """Show what the first one says until all have ended."""
    started = time.monotonic()
    while any(part.seconds is None for part in parts):
        time.sleep(POLL_SECONDS)
        for part in parts:
            if part.seconds is None and part.process.poll() is not None:
                part.seconds = time.monotonic() - started
        parts[0].show()


@contextmanager
def _held_back(*numbers: int) -> Iterator[None]:
    """Let signals that come meanwhile come afterwards."""
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _frame: came.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all it started, as Ctrl+C would. Does nothing when it has ended."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _exit_on_terminate(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # timeout(1) sends it twice, and the second would cut the end short
    raise SystemExit(128 + number)


def main(words: Sequence[str]) -> int:
    """Return the exit code of the first command that failed, 2 when there is none to run."""
    commands = commands_of(words)
    if not commands:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _exit_on_terminate)
    # A shell starts what it puts in the background deaf to it, and the commands would be, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
