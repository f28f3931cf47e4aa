"""Provides the users of a cluster under fault: programs that write and read at one address."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any, Final, Self
from uuid import uuid4

import httpx

from testbed.cluster import ROOT, Cluster

USERS: Final = ("ana", "ben", "cara")
# Wide enough for every item of these tests.
WINDOW: Final = {"start": "2026-01-01", "end": "2028-01-01"}
# The title of an item that makes the process of dying_asgi.py die.
DIE_HERE: Final = "die here"
PATIENCE_SECONDS: Final = 50  # ten times what a request may wait for a lock
# Django only compares the header with the cookie, so any value will do in both.
_CSRF: Final = "faults" + "0" * 26


def sign_in_all(cluster: Cluster) -> dict[str, str]:
    """Return a session key for each user of the demo. This takes no passwords, which are slow to check on purpose."""
    command = [sys.executable, "-m", "tests.e2e.sign_in", *USERS]
    made = subprocess.run(command, cwd=ROOT, env=cluster.environ, check=True, capture_output=True).stdout
    sessions: dict[str, str] = json.loads(made)["sessions"]
    return sessions


class Program:
    """A signed-in user at the address of nginx or of one process. Two threads must not share a program."""

    def __init__(self, url: str, session: str) -> None:
        self.url, self.session = url, session
        self.client = httpx.Client(
            base_url=url,
            cookies={"sessionid": session, "csrftoken": _CSRF},
            headers={"X-CSRFToken": _CSRF},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def create_calendar(self, name: str = "Faults") -> str:
        """Create a calendar that this user owns. Return its id."""
        answer = self.client.post("/api/calendars/", json={"name": name}).raise_for_status()
        calendar: str = answer.json()["id"]
        return calendar

    def put(self, calendar: str, title: str, *, item: str | None = None, key: str | None = None) -> httpx.Response:
        """Create or replace an item. A `title` that names the moment makes a failure easier to understand."""
        body = {"title": title, "start": "2026-11-23T09:00:00Z", "end": "2026-11-23T10:00:00Z"}
        path = f"/api/calendars/{calendar}/items/{item or uuid4()}/"
        return self.client.put(path, json=body, headers={"Idempotency-Key": key or str(uuid4())})

    def delete(self, calendar: str, item: str) -> httpx.Response:
        return self.client.delete(f"/api/calendars/{calendar}/items/{item}/")

    def feed(self, calendar: str, *, min_revision: int = 0) -> httpx.Response:
        return self.client.get(f"/api/calendars/{calendar}/feed/", params=WINDOW | {"min_revision": min_revision})

    def head(self, calendar: str) -> str:
        """Return the calendar's state."""
        state: str = self.client.get(f"/api/calendars/{calendar}/").raise_for_status().json()["state"]
        return state

    def picture(self, calendar: str) -> tuple[str, dict[str, dict[str, Any]]]:
        """Return a fresh feed: its state, and its items by id."""
        answer = self.feed(calendar).raise_for_status()
        return answer.headers["Calendar-State"], {one["id"]: one for one in answer.json()}


def revision_of(state: str) -> int:
    return int(state.partition(".")[0])


def since(started: float) -> float:
    """Return the seconds since an instant of the monotonic clock."""
    return time.monotonic() - started
