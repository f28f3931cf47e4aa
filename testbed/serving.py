"""Sets up, fills and signs in to real processes of the site, for tests of faults in serving."""

from __future__ import annotations

import atexit
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from testbed.cluster import ROOT, Node
from testbed.servers import LOOPBACK, free_port, open_folder, site_environ

SERVER: Final = (sys.executable, "-m", "calendar_live.server")
STOCK: Final = (sys.executable, "-m", "daphne")
APPLICATION: Final = "project.asgi:application"


def environment(database: str, **calendar_live: object) -> dict[str, str]:
    """Return the environment of a process of the site with a database. Keywords are entries of CALENDAR_LIVE."""
    return site_environ(
        DJANGO_SETTINGS_MODULE="testbed.serving_settings",
        DATABASE_URL=database,
        CALENDAR_LIVE=json.dumps({"MAX_SOCKETS_PER_USER": 1_000, **calendar_live}),
    )


@cache
def filled_database() -> Path:
    """Return a SQLite file with the people and calendars of the demo. It is created once."""
    folder = open_folder("calendar-serving-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for command in (["migrate", "--no-input"], ["seed_demo"]):
        manage(environment(f"sqlite:///{folder}/site.sqlite3"), *command)
    return folder / "site.sqlite3"


def manage(environ: dict[str, str], *arguments: str) -> str:
    """Run a management command. Return its output. Raises RuntimeError if it fails."""
    ran = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environ, capture_output=True, text=True
    )
    if ran.returncode:
        raise RuntimeError(f"{arguments} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout


@contextmanager
def serving(
    folder: Path,
    *,
    program: tuple[str, ...] = SERVER,
    options: tuple[str, ...] = (),
    port: int = 0,
    application: str = APPLICATION,
    **calendar_live: object,
) -> Iterator[Node]:
    """Yield a process that serves the demo from a database of its own, and end it."""
    database = folder / f"{free_port()}.sqlite3"
    shutil.copy(filled_database(), database)
    port = port or free_port()
    where = options or ("--bind", LOOPBACK, "--port", str(port))
    node = Node(
        environ=environment(f"sqlite:///{database}", **calendar_live),
        log=folder / f"{database.name}.log",
        command=[*program, *where, application],
    )
    node.port, node.url = port, f"http://{LOOPBACK}:{port}"
    try:
        node.start()
        yield node
    finally:
        if node.runs:
            node.stop(stop_signal=9)  # type: ignore[arg-type]


def sign_in(url: str, *, name: str = "ana") -> httpx.Client:
    """Return a client with which a person of the demo is signed in. It sends the CSRF token."""
    client = httpx.Client(base_url=url, trust_env=False, timeout=30, verify=False)  # noqa: S501 - a test certificate
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get("/login/").text)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "username": name, "password": "demo", "next": "/"}
    assert client.post("/login/", data=form, headers={"Referer": f"{url}/login/"}).status_code == 302
    client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
    client.headers["Referer"] = f"{url}/"
    return client


def cookie_of(client: httpx.Client) -> str:
    """Return the client's cookies as the value of a header."""
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def calendar_of(client: httpx.Client, name: str = "Team") -> dict[str, Any]:
    """Return a calendar of the demo."""
    return next(one for one in client.get("/api/calendars/").raise_for_status().json() if one["name"] == name)


def connections_to(node: Node) -> set[int]:
    """Return the client ports of the open TCP connections to a process."""
    found = psutil.Process(node.pid).net_connections("tcp")
    return {one.raddr.port for one in found if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == node.port}
