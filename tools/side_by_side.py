"""Run commands side by side: for `make test`, whose parts wait more than they compute. Knows nothing of what they do.

    python tools/side_by_side.py ::: first command ::: second command

The first one's output is shown as it comes, that of each other one when all have ended, then how long each one took. The exit code is
that of the first that failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby
from types import FrameType
from typing import IO, Final, NoReturn

SEPARATOR: Final = ":::"
STOP_TIMEOUT_SECONDS: Final = 30


def commands_of(words: Sequence[str]) -> list[list[str]]:
    """Return the commands between separators."""
    return [list(group) for is_separator, group in groupby(words, SEPARATOR.__eq__) if not is_separator]


def show(command: Sequence[str], output: IO[bytes]) -> None:
    """Print what a command said, whole."""
    output.seek(0)
    print(f"\n--- {' '.join(command)}", flush=True)
    sys.stdout.buffer.write(output.read())
    sys.stdout.flush()


def run(commands: Sequence[Sequence[str]]) -> int:
    """Run commands until all have ended; return the exit code of the first that failed, or 0."""
    with ExitStack() as stack:
        outputs = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands[1:]]
        running: list[subprocess.Popen[bytes]] = []
        try:
            for command, output in zip(commands, [None, *outputs], strict=True):
                with _held_back(signal.SIGTERM, signal.SIGINT):  # or what has just started would be known to nobody
                    running.append(
                        subprocess.Popen(
                            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                        )
                    )
            seconds = _await(running)
        finally:
            for process in running:
                _end(process)
            for command, output in zip(commands[1:], outputs, strict=True):
                show(command, output)
        print()
        for command, process in zip(commands, running, strict=True):
            print(f"{seconds[process.pid]:6.0f} s, exit code {process.returncode}: {' '.join(command)}", flush=True)
        return next((abs(process.returncode) for process in running if process.returncode), 0)


def _await(running: Sequence[subprocess.Popen[bytes]]) -> dict[int, float]:
    """Wait until all have ended; return the seconds that each one took, by its process id."""
    started, seconds = time.monotonic(), dict[int, float]()
    while len(seconds) < len(running):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)  # until one has ended; `poll` takes note of which
        for process in running:
            if process.pid not in seconds and process.poll() is not None:
                seconds[process.pid] = time.monotonic() - started
    return seconds


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
