"""Tests that a site of your own runs as the README says. It needs the built page, whose files it collects."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from testbed.servers import free_port
from testbed.waiting import wait_until
from tests.host import ROOT, blocks, environ


def test_the_site_runs_as_the_readme_says(tmp_path: Path) -> None:
    """Its lines run in their order, without those that install. Seen failing without the line that sets SECRET_KEY."""
    [recipe] = [one for one in blocks((ROOT / "README.md").read_text(), "") if "createsuperuser" in one]
    lines = [line for line in recipe.splitlines() if not re.match(r"npm|python3 -m venv", line)]
    port = free_port()
    replaced = {
        ".venv/bin/python": sys.executable,
        "--port 8000": f"--port {port}",
        "superuser": "superuser --no-input",
    }
    script = "\n".join(["set -e", *lines])
    for printed, used in replaced.items():
        script = script.replace(printed, used)
    own = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "STATIC_ROOT": str(tmp_path / "static"),
        "DJANGO_SUPERUSER_USERNAME": "ana",
        "DJANGO_SUPERUSER_EMAIL": "ana@calendar.example",
        "DJANGO_SUPERUSER_PASSWORD": "a long enough phrase",
    }
    known = {name: value for name, value in environ(ROOT).items() if name != "DJANGO_SETTINGS_MODULE"}
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", script], cwd=ROOT, env=known | own, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: status_of(server, port) == 200, what="the sign-in page", timeout_seconds=60)
    finally:
        with suppress(ProcessLookupError):  # the recipe has failed, which the assertion says
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        print((tmp_path / "log").read_text())


def status_of(server: subprocess.Popen[bytes], port: int) -> int:
    """Return the status of the sign-in page, as a proxy that ends TLS asks for it; 0 while the site does not answer."""
    assert server.poll() is None
    headers = {"Host": "calendar.example", "X-Forwarded-Proto": "https"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/login/", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError:
        raise
    except OSError:
        return 0
