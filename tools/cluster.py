"""Starts a large site on one machine, for trials: nginx, several processes, PostgreSQL and Redis, all on loopback.

`make run-cluster` runs this module without an argument. It finds the servers, fills the database once, and hands over
to honcho and Procfile.cluster, whose lines make this module become a server. The data is kept in var/cluster/.
DATABASE_URL (of a PostgreSQL) and REDIS_URL name servers to use instead. PORT (8000) is the port of nginx, and WEB (2)
is the number of processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from project.ready import is_ready
from testbed.binaries import ServerMissingError, find_nginx, find_redis
from testbed.servers import LOOPBACK, Postgres, Redis, nginx_command, nobody
from testbed.waiting import wait_until
from tools.need_port import complaint
from tools.nginx_conf import nginx_conf, version_of

ROOT: Final = Path(__file__).resolve().parents[1]
HONCHO: Final = ["honcho", "-f", "Procfile.cluster", "start"]
# honcho adds 100 to the port from line to line, and 1 from process to process of a line.
HUNDRED: Final = 100
START_TIMEOUT_SECONDS: Final = 60


class CannotStartError(Exception):
    """Raised when something that is needed is missing or taken. The text says what to do."""


def ports_of(environ: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the ports of each line of Procfile.cluster to start. Raises CannotStartError for a wrong PORT or WEB."""
    port, web = environ.get("PORT") or "8000", environ.get("WEB") or "2"
    if not web.isdecimal() or not 0 < int(web) < HUNDRED:
        raise CannotStartError(f"WEB={web} is no number of processes.")
    if not port.isdecimal():
        raise CannotStartError(complaint(port))
    given = {
        "postgres": environ.get("DATABASE_URL", "").startswith("postgres"),
        "redis": bool(environ.get("REDIS_URL")),
    }
    lines = [line for line in ("nginx", "web", "postgres", "redis") if not given.get(line)]
    return {
        line: [int(port) + HUNDRED * place + number for number in range(int(web) if line == "web" else 1)]
        for place, line in enumerate(lines)
    }


def state_folder() -> Path:
    """Return the folder for the data: CLUSTER, or var/cluster.

    If this is root, servers run as `nobody`. If that user cannot reach the folder, return another one.
    """
    folder = Path(os.environ.get("CLUSTER") or ROOT / "var" / "cluster")
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() or not subprocess.run(["test", "-x", folder], **nobody()).returncode:
        return folder
    link = folder / "elsewhere"
    if not link.exists():
        made = Path(tempfile.mkdtemp(prefix="calendar-cluster-", dir="/var/tmp"))
        made.chmod(0o711)
        link.unlink(missing_ok=True)
        link.symlink_to(made)
    print(f"Only root can reach {folder}, so what is kept is in {link.resolve()}")
    return link.resolve()


def start() -> NoReturn:
    """Prepare everything, then become honcho. Raises CannotStartError."""
    os.umask(0o022)  # nginx reads the static files as another user
    ports = ports_of(os.environ)
    taken = [complaint(str(port), advice="make run-cluster PORT=9000") for line in ports.values() for port in line]
    if any(taken):
        raise CannotStartError("\n".join(filter(None, taken)))
    try:
        nginx, _ = find_nginx(), find_redis()
        folder = state_folder()
        postgres = Postgres(folder=folder / "postgres", port=ports["postgres"][0]) if "postgres" in ports else None
    except ServerMissingError as missing:
        raise CannotStartError(str(missing)) from missing
    static, nodes = folder / "static", [f"{LOOPBACK}:{port}" for port in ports["web"]]
    listen = f"{LOOPBACK}:{ports['nginx'][0]}"
    written = nginx_conf(version=version_of(nginx), listen=listen, nodes=nodes, static=static, state=folder)
    (folder / "nginx.conf").write_text(written)
    os.environ.update(CLUSTER=str(folder), STATIC_ROOT=str(static), PORT=str(ports["nginx"][0]))
    if postgres:
        os.environ["DATABASE_URL"] = postgres.url
    release(postgres)
    if "redis" in ports:
        os.environ["REDIS_URL"] = Redis(port=ports["redis"][0]).url
    os.execvp("honcho", [*HONCHO, "--concurrency", f"web={len(nodes)}", *ports])


def release(postgres: Postgres | None) -> None:
    """Bring the database and the static files up to date. PostgreSQL runs meanwhile."""
    try:
        if postgres:
            postgres.start()
        if subprocess.run([*HONCHO, "--no-prefix", "release"]).returncode:
            raise CannotStartError("The database could not be prepared: see above.")
    finally:
        if postgres:
            postgres.stop()


def become_nginx() -> NoReturn:
    """Wait until each process is ready, print the site's address, and become nginx."""
    port, folder = int(os.environ["PORT"]), Path(os.environ["CLUSTER"])
    for number in range(int(os.environ.get("WEB") or "2")):
        ready = partial(is_ready, port + HUNDRED + number)
        wait_until(ready, what=f"process {number + 1} to be ready", timeout_seconds=START_TIMEOUT_SECONDS)
    print(f"\n  calendar_live: http://{LOOPBACK}:{port}/   Ctrl+C stops it.\n", flush=True)
    command = nginx_command(find_nginx(), folder)
    os.execv(command[0], command)


def become_postgres() -> NoReturn:
    """Become the PostgreSQL of the state folder."""
    Postgres(folder=Path(os.environ["CLUSTER"], "postgres"), port=int(os.environ["PORT"])).become()


def become_redis() -> NoReturn:
    """Become Redis."""
    command = Redis(port=int(os.environ["PORT"])).command()
    os.execv(command[0], command)


PARTS: Final = {"": start, "nginx": become_nginx, "postgres": become_postgres, "redis": become_redis}

if __name__ == "__main__":
    try:
        PARTS["".join(sys.argv[1:])]()
    except CannotStartError as cannot:
        sys.exit(str(cannot))
