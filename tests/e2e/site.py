"""Runs a real site for browser tests: the Procfile's commands, with its own database file and the in-memory layer."""

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
from uuid import UUID, uuid4

from testbed import evidence
from testbed.servers import LOOPBACK, free_port, site_environ
from testbed.waiting import wait_until

ROOT: Final = Path(__file__).parents[2]
START_TIMEOUT_SECONDS: Final = 30
STOP_TIMEOUT_SECONDS: Final = 15


def _rename_calendars(rows: sqlite3.Connection) -> None:
    """Give each calendar a new id wherever its id occurs, also in foreign keys and in the JSON of wires."""
    old = [UUID(hex=id) for (id,) in rows.execute("SELECT id FROM calendar_live_calendar")]
    new = {form(one): form(other) for one in old for other in [uuid4()] for form in (UUID.__str__, lambda id: id.hex)}
    columns = rows.execute(
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND (c.type LIKE '%char%' OR c.type LIKE 'text')"
    ).fetchall()
    for table, column in columns:
        for before, after in new.items():
            rows.execute(f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)', (before, after))  # noqa: S608
    rows.commit()


def procfile() -> dict[str, str]:
    """Return the Procfile's commands by name."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines if line)}


class Site:
    """One web process on a port of its own. A test may stop or kill it, and start it again on its port and database.

    A site serves one test after another: `begin` gives the next test a database and a log of its own.
    """

    def __init__(self, folder: Path, *, database: Path | None = None, settings: str = "project.settings") -> None:
        """Prepare a site in `folder`, over a copy of `database` or an empty one."""
        self.settings = settings
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.database = folder / "site.sqlite3"
        self._log = folder / "site.log"
        self._logged_bytes = 0  # before this test
        # A test that makes the server fail on purpose sets this.
        self.errors_expected = False
        self._process: subprocess.Popen[bytes] | None = None
        if database:
            shutil.copy(database, self.database)
        evidence.call_on(self)

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment of the site's processes."""
        return site_environ(
            DJANGO_SETTINGS_MODULE=self.settings,
            PORT=str(self.port),
            DATABASE_URL=f"sqlite:///{self.database}",
            SECRET_KEY="for-the-end-to-end-tests-alone",
        )

    def begin(self, database: Path) -> None:
        """Make the site ready for the next test: running, with the rows of `database` and nothing in its log.

        The calendars get new ids, because the process still remembers the states of the previous test's calendars.
        """
        with closing(sqlite3.connect(":memory:")) as rows, closing(sqlite3.connect(self.database)) as target:
            with closing(sqlite3.connect(database)) as source:
                source.backup(rows)
            _rename_calendars(rows)
            rows.backup(target)
        self.errors_expected = False
        self._logged_bytes = self._log.stat().st_size if self._log.exists() else 0
        if self._process is None or self._process.poll() is not None:
            self.start()

    def release(self) -> None:
        """Migrate the database and fill it with the demo data, as `make run` does."""
        self._run(["sh", "-c", procfile()["release"]])

    def manage(self, *arguments: str) -> str:
        """Run a management command in a process of its own, and return what it printed."""
        return self._run([sys.executable, "manage.py", *arguments])

    def _run(self, command: list[str]) -> str:
        ran = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True)
        if ran.returncode:
            raise RuntimeError(f"{shlex.join(command)} failed:\n{ran.stdout}{ran.stderr}")
        return ran.stdout

    def start(self) -> None:
        """Start the web process and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", procfile()["web"]], cwd=ROOT, env=self.environ, stdout=log, stderr=log
            )
        wait_until(self._answers, what=f"{self.url}/healthz", timeout_seconds=START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise RuntimeError(f"the site ended at once:\n{self.log()}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:  # noqa: S310 - our own http URL
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{self.url}/healthz answered {error.code}:\n{self.log()}") from error
        except OSError:
            return False

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        """Stop the web process and wait for its end. SIGKILL acts like a crash. Do nothing if it is not running."""
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
        """Wait until the process has noticed that all pages are closed. Do nothing if it is not running."""
        if self._process is not None:
            what = "the sockets and the waiting requests of closed pages to end"
            wait_until(self._is_alone, what=what, interval_seconds=0.05)

    def _is_alone(self) -> bool:
        metrics = self._metrics()
        return all(f"\ncalendar_live_{name} 0.0" in metrics for name in ("sockets", "polls"))

    def _metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:  # noqa: S310 - our own http URL
            return str(answer.read().decode())

    def copy_database(self, target: Path) -> None:
        """Write a consistent copy of the database. The site may be running."""
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)

    def put_back(self, copy: Path) -> None:
        """Replace the database with an earlier copy. Raises RuntimeError if the site has not been stopped."""
        if self._process is not None:
            raise RuntimeError("stop the site first")
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        shutil.copy(copy, self.database)

    def mail_to(self, address: str) -> str:
        """Return the text of the last mail to an address, which a trial prints to its log. Raises LookupError."""
        printed = rf"^To: {re.escape(address)}$.*?\n\n(.*?)^-{{79}}$"
        mails = re.findall(printed, self.log(), re.MULTILINE | re.DOTALL)
        if not mails:
            raise LookupError(f"no mail to {address}")
        return str(mails[-1])

    def let_time_pass(self, minutes: float) -> None:
        """Make all invitations older by a number of minutes."""
        columns = ", ".join(f"{name} = datetime({name}, :by)" for name in ("mailed_at", "expires_at"))
        self.execute(f"UPDATE calendar_live_invitation SET {columns}", by=f"-{minutes} minutes")  # noqa: S608

    def execute(self, statement: str, **values: object) -> None:
        """Run one SQL statement on the database, unnoticed by the web process."""
        with closing(sqlite3.connect(self.database)) as rows, rows:
            rows.execute(statement, values)

    def log(self) -> str:
        """Return what the process has logged during this test."""
        if not self._log.exists():
            return ""
        with self._log.open("rb") as log:
            log.seek(self._logged_bytes)
            return log.read().decode(errors="replace")

    def testify(self, test: str) -> tuple[str, str]:
        """Return the end of this test's log, with a title."""
        return f"Log of {self.url}", evidence.end_of(self.log())

    def tracebacks(self) -> str:
        """Return this test's log if it contains a traceback, otherwise an empty string."""
        text = self.log()
        return text if "Traceback (most recent call last)" in text else ""
