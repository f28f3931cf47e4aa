"""A real site for a browser: the processes of the Procfile, over a database file of its own and the in-memory layer."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.servers import LOOPBACK, free_port, site_environ
from tests.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
START_TIMEOUT_SECONDS: Final = 30
STOP_TIMEOUT_SECONDS: Final = 15


def procfile() -> dict[str, str]:
    """Return the Procfile's commands by name."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines if line)}


class Site:
    """One web process on a port of its own. It may be stopped, killed and started again on the same port and database."""

    def __init__(self, folder: Path, *, database: Path | None = None, settings: str = "project.settings") -> None:
        """Prepare a site in `folder`, over a copy of `database` or an empty one."""
        self.settings = settings
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.database = folder / "site.sqlite3"
        self.log = folder / "site.log"
        # A test that makes the server fail on purpose says so.
        self.errors_expected = False
        self._process: subprocess.Popen[bytes] | None = None
        if database:
            shutil.copy(database, self.database)

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment of the site's processes."""
        return site_environ(
            DJANGO_SETTINGS_MODULE=self.settings,
            PORT=str(self.port),
            DATABASE_URL=f"sqlite:///{self.database}",
            SECRET_KEY="for-the-end-to-end-tests-alone",
        )

    def release(self) -> None:
        """Migrate and fill the database as `make run` does."""
        self._run(["sh", "-c", procfile()["release"]])

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the site, in a process of its own, and return what it printed."""
        return self._run([sys.executable, "manage.py", *arguments])

    def _run(self, command: list[str]) -> str:
        ran = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"{shlex.join(command)} failed:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", procfile()["web"]], cwd=ROOT, env=self.environ, stdout=log, stderr=log
            )
        wait_until(self._answers, what=f"{self.url}/healthz", timeout_seconds=START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise RuntimeError(f"the site ended at once:\n{self.log.read_text()}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own http URL
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{self.url}/healthz answered {error.code}:\n{self.log.read_text()}") from error
        except OSError:
            return False

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """Stop the web process (SIGKILL: as a crash would) and wait for its end. Does nothing when it does not run."""
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(stop_signal)
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def await_departures(self) -> None:
        """Wait until no request listens for changes, of pages that are closed: one that its server breaks off is an error in the log."""
        if self._process is not None:
            wait_until(
                lambda: "\ncalendar_live_polls 0.0" in self._metrics(), what="the requests of closed pages to end"
            )

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310 - our own http URL
            return str(answer.read().decode())

    def copy_database(self, target: Path) -> None:
        """Write a consistent copy of the database, also while the site runs."""
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)

    def put_back(self, copy: Path) -> None:
        """Replace the database by a copy made before. The site must be stopped."""
        if self._process is not None:
            raise RuntimeError("stop the site first")
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        shutil.copy(copy, self.database)

    def mail_to(self, address: str) -> str:
        """Return the text of the last mail to an address: a trial prints its mails. Raises LookupError."""
        printed = rf"^To: {re.escape(address)}$.*?\n\n(.*?)^-{{79}}$"
        mails = re.findall(printed, self.log.read_text(), re.MULTILINE | re.DOTALL)
        if not mails:
            raise LookupError(f"no mail to {address}")
        return str(mails[-1])

    def let_time_pass(self, minutes: float) -> None:
        """Make all invitations so many minutes older."""
        columns = ", ".join(f"{name} = datetime({name}, :by)" for name in ("mailed_at", "expires_at"))
        with closing(sqlite3.connect(self.database)) as rows, rows:
            rows.execute(f"UPDATE calendar_live_invitation SET {columns}", {"by": f"-{minutes} minutes"})  # noqa: S608

    def tracebacks(self) -> str:
        """Return the server's log if it holds an exception, else nothing."""
        text = self.log.read_text() if self.log.exists() else ""
        return text if "Traceback (most recent call last)" in text else ""
