"""Run commands side by side. `make test` uses this, because its parts wait more than they compute.

    python tools/side_by_side.py ::: first command ::: second command

The output of the first command is shown as it comes, and that of the others when all have ended. After that come the
time that each command took and, once more, the last lines of each command that failed. The exit code is that of the
first command that failed.
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
# pytest and vitest end with the failed tests, one line each. Long lines are cut.
LAST_LINES, LAST_COLUMNS = 12, 240


def commands_of(words: Sequence[str]) -> list[list[str]]:
    """Return the commands between separators."""
    return [list(group) for is_separator, group in groupby(words, SEPARATOR.__eq__) if not is_separator]


@dataclass
class Part:
    """A running command and its output."""

    command: str
    process: subprocess.Popen[bytes]
    output: Path
    shown: int = 0  # bytes
    seconds: float | None = None

    def show(self) -> None:
        """Print the output since the last call."""
        with self.output.open("rb") as output:
            output.seek(self.shown)
            self.shown += sys.stdout.buffer.write(output.read())
        sys.stdout.flush()

    def last_lines(self) -> str:
        """Return the end of the output."""
        lines = self.output.read_text(errors="replace").rstrip().splitlines()[-LAST_LINES:]
        return "\n".join(line[:LAST_COLUMNS] for line in lines)


def run(commands: Sequence[Sequence[str]]) -> int:
    """Run commands until all have ended. Return the exit code of the first that failed, or 0."""
    with tempfile.TemporaryDirectory() as folder:
        parts: list[Part] = []
        try:
            for number, command in enumerate(commands):
                # Otherwise, a process that has just started would never be ended.
                with _held_back(signal.SIGTERM, signal.SIGINT):
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
    """Start a command that writes all its output to a file."""
    with path.open("wb") as said:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
    return Part(" ".join(command), process, path)


def _await(parts: Sequence[Part]) -> None:
    """Show the output of the first command until all have ended."""
    started = time.monotonic()
    while any(part.seconds is None for part in parts):
        time.sleep(POLL_SECONDS)
        for part in parts:
            if part.seconds is None and part.process.poll() is not None:
                part.seconds = time.monotonic() - started
        parts[0].show()


@contextmanager
def _held_back(*numbers: int) -> Iterator[None]:
    """Delay signals that arrive inside the context until its end."""
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
    """End a command and all its processes, as Ctrl+C would. Do nothing if it has ended."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _exit_on_terminate(number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # timeout(1) sends it twice, and the second would interrupt the end
    raise SystemExit(128 + number)


def main(words: Sequence[str]) -> int:
    """Return the exit code of the first command that failed, or 0. Return 2 if there is no command."""
    commands = commands_of(words)
    if not commands:
        print(__doc__, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _exit_on_terminate)
    # A shell starts background processes with SIGINT ignored, and the commands would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return run(commands)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
