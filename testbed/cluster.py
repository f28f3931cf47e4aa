"""Runs the real topology on loopback: nginx, processes of the site, PostgreSQL and Redis. Each part can be broken.

It serves the tests of faults and the soak. Every process is started with the command in Procfile.cluster, so that tests
break what sites run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from project.ready import is_ready
from testbed import evidence
from testbed.servers import LOOPBACK, Nginx, Postgres, Redis, Running, free_port, open_folder, site_environ
from testbed.waiting import wait_until

ROOT: Final = Path(__file__).parents[1]
START_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 55  # ten times as long as a process may take: DRAIN_SECONDS, and 1.5 s to close sockets


def web_command(procfile: str) -> list[str]:
    """Return the words of the command with which a Procfile starts a process of the site. The port is `$PORT`."""
    line = re.search(r"^web: (?:exec )?(.*)$", (ROOT / procfile).read_text(), re.MULTILINE)
    assert line
    return shlex.split(line[1])


# With DEBUG, each SQL statement costs another one, and the last 9,000 statements of each thread are kept.
_WITHOUT_DEBUG: Final = {
    "DEBUG": "0",
    "HTTPS": "0",
    "ALLOWED_HOSTS": LOOPBACK,
    "SECRET_KEY": "for-the-measurements-alone-0123456789-abcdefghijklmnopqrstuvwxyz",
    "METRICS_TOKEN": "for-the-measurements-alone",
}


class Node:
    """One process of the site on a port of its own. It can be stopped, killed, paused and started again."""

    def __init__(self, *, environ: Mapping[str, str], log: Path, command: list[str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.log_file = log
        self.application = ""  # if not empty, replaces the Procfile's application from the next start on
        self._environ = dict(environ)
        words = command or web_command("Procfile.cluster")
        self._command = [str(self.port) if word == "$PORT" else word for word in words]
        self._process: subprocess.Popen[bytes] | None = None
        evidence.call_on(self)

    @property
    def pid(self) -> int:
        """Return the process id. Raises RuntimeError while the process does not run."""
        if self._process is None:
            raise RuntimeError("the process does not run")
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process. Do not wait until it answers."""
        command = [*self._command[:-1], self.application or self._command[-1]]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environ, stdout=log, stderr=log)

    def await_ready(self) -> None:
        """Wait until the process answers and reaches its database. Raises RuntimeError with its log if it has ended."""
        wait_until(self._is_ready, what=f"{self.url} to be ready", timeout_seconds=START_TIMEOUT_SECONDS)

    def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.launch()
        self.await_ready()

    def _is_ready(self) -> bool:
        if not self.runs:
            raise RuntimeError(f"the process ended at once:\n{self.log()}")
        return is_ready(self.port)

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end. Return the exit code as `subprocess` does (-9 after SIGKILL)."""
        assert self._process
        self._process.send_signal(stop_signal)
        return self.await_end()

    def await_end(self) -> int:
        """Wait until the process ends. Return its exit code."""
        process, self._process = self._process, None
        assert process
        try:
            return process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP or SIGCONT, without waiting."""
        os.kill(self.pid, number)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def testify(self, test: str) -> tuple[str, str]:
        """Return the end of the log if the process runs or has ended by itself."""
        return f"Log of {self.url}", evidence.end_of(self.log()) if self._process else ""

    def metrics(self) -> dict[str, float]:
        """Return its metrics by their names (with labels) in the Prometheus text. Needs DEBUG or METRICS_TOKEN."""
        asked = urllib.request.Request(f"{self.url}/metrics")  # noqa: S310 - our own http URL
        asked.add_header("Authorization", f"Bearer {self._environ.get('METRICS_TOKEN', '')}")
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - our own http URL
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (one.rpartition(" ") for one in lines if one[:1] != "#")}

    def resident_bytes(self) -> int:
        """Return its resident memory in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of the process, including threads that have ended."""
        # The CPU clock of another process: clock_getcpuclockid(3). /proc counts in steps of 10 ms, which is too coarse.
        return time.clock_gettime((~self.pid << 3) | 2)


class Cluster(Running):
    """nginx in front of processes of the site, with PostgreSQL and Redis. A context manager that leaves nothing behind.

    Inside `with Cluster(nodes=2) as cluster: …`, the database is migrated and everything is ready. Extra keyword
    arguments are environment variables of the processes; `nginx` holds arguments of `nginx_conf`. Switch `debug` off
    where speed is measured; then nobody can sign in to the demo.
    """

    def __init__(
        self,
        *,
        nodes: int = 2,
        redis: bool = True,
        debug: bool = True,
        nginx: Mapping[str, object] | None = None,
        **environ: str,
    ) -> None:
        self.folder = open_folder("calendar-cluster-")
        self.postgres = Postgres()
        self.redis = Redis() if redis else None
        own = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url if self.redis else "",
            "STATIC_ROOT": str(self.folder / "static"),
        }
        self.environ = site_environ(**({} if debug else _WITHOUT_DEBUG) | own | environ)
        self.nodes = [Node(environ=self.environ, log=self.folder / f"node-{number}.log") for number in range(nodes)]
        addresses = [f"{LOOPBACK}:{node.port}" for node in self.nodes]
        self.nginx = Nginx(**{"nodes": addresses, "static": self.folder / "static", **(nginx or {})})

    @property
    def url(self) -> str:
        """Return the address of nginx, which is the site's origin."""
        return self.nginx.url

    def start(self) -> None:
        """Start everything and wait until it is ready."""
        self.postgres.start()
        if self.redis:
            self.redis.start()
        self.manage("migrate", "--no-input")
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready()
        self.nginx.start()

    def manage(self, *arguments: str) -> str:
        """Run a management command in a process of its own. Return its output. Raises RuntimeError if it fails."""
        command = [sys.executable, "manage.py", *arguments]
        ran = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"{shlex.join(command)} failed:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def close(self) -> None:
        """End everything at once, and remove the files."""
        self.nginx.close()
        for node in self.nodes:
            if node.runs:
                node.stop(signal.SIGKILL)
        if self.redis:
            self.redis.close()
        self.postgres.close()
        shutil.rmtree(self.folder, ignore_errors=True)
