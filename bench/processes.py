"""Starts the servers under measurement as processes, reads their CPU time and memory, and ends them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import Final

from bench.seed import Cast
from testbed.servers import LOOPBACK
from testbed.waiting import wait_until

ROOT: Final = Path(__file__).parents[1]
START_TIMEOUT_SECONDS: Final = 30


def web_command() -> list[str]:
    """Return the command with which the Procfile starts the site."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("web: "))
    return shlex.split(command.removeprefix("web: ").removeprefix("exec "))


def our_command(port: int) -> list[str]:
    """Return the Procfile's command with a port filled in."""
    return [str(port) if word == "$PORT" else word for word in web_command()]


def textbook_command(port: int) -> list[str]:
    """Return the command of a stock daphne that serves the textbook.

    It has the Procfile's flags, and sockets stay open as long as ours.
    """
    flags = dropwhile(lambda word: not word.startswith("--"), our_command(port)[:-1])
    return ["daphne", *flags, "--websocket_timeout", "-1", "bench.textbook_asgi:application"]


def plain_command(port: int) -> list[str]:
    """Return the command of the bare sockets."""
    return [sys.executable, "-m", "bench.plain", str(port)]


def environ(**own: str) -> dict[str, str]:
    """Return the environment of a production-like server on this machine, independent of the caller's shell."""
    left_out = {"REDIS_URL", "DATABASE_URL", "COVERAGE_RUN", "DJANGO_SETTINGS_MODULE"}
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "for-the-measurements-alone-0123456789-abcdefghijklmnopqrstuvwxyz",
        "DEBUG": "0",
        "HTTPS": "0",
        "ALLOWED_HOSTS": LOOPBACK,
        "LOG_LEVEL": "WARNING",
        **own,
    }


def filled(database: Path, *, people: int, sessions: int, items: int) -> Cast:
    """Fill a new SQLite file with `bench.seed`. Raises RuntimeError if that fails."""
    command = [sys.executable, "-m", "bench.seed", str(people), str(sessions), str(items)]
    env = environ(DATABASE_URL=f"sqlite:///{database}")
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"the database could not be filled:\n{ran.stderr}")
    return Cast(**json.loads(ran.stdout))


class Server:
    """One server process on a port of its own."""

    def __init__(self, command: Sequence[str], *, port: int, env: Mapping[str, str], log: Path) -> None:
        self.port = port
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)

    def wait_until_up(self) -> None:
        """Wait until the server answers. Raises RuntimeError with its log if it has ended or answers with an error."""
        wait_until(self._answers, what=f"an answer at port {self.port}", timeout_seconds=START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the server ended at once:\n{self.log()}")
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/healthz", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"/healthz answered {error.code}:\n{self.log()}") from error
        except OSError:
            return False

    def log(self) -> str:
        """Return what the server has written, without the lines of its access log."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if not line.startswith(f"{LOOPBACK}:"))

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of the process, user and system, including threads that have ended."""
        # The CPU clock of another process: clock_getcpuclockid(3). /proc counts in steps of 10 ms, which is too coarse.
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def resident_bytes(self) -> int:
        """Return the resident memory of the process in bytes."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """Kill the process. It stores nothing, so it does not need to end in order."""
        self._process.kill()
        self._process.wait()


def start(command: list[str], port: int, log: Path, **own: str) -> Server:
    """Start a server in the environment of the measurements."""
    return Server(command, port=port, env=environ(**own), log=log)
