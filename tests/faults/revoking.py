"""Ends rights in each possible way while pages listen. The tests of revocation also run it as another process.

`python -m tests.faults.revoking` ends rights in each way, and prints how long that takes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import django
import httpx
import psycopg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from testbed.cluster import ROOT, Cluster
from testbed.waiting import wait_until
from tests.faults.people import Program, sign_in_all

SIGNED_OUT: Final = 4401
# The acts that end or narrow the rights of a member, and those of a public link's visitors.
OF_MEMBERS: Final = ("sign-out", "password", "deactivation", "membership", "role")
OF_LINKS: Final = ("withdrawal", "expiry")
PROMISED_SECONDS: Final = 1
_WAIT_SECONDS: Final = 25
# Long enough for a slow machine to accept the expiry before it is over.
_EXPIRES_IN_SECONDS: Final = 5
_CSRF: Final = "revoking" + "0" * 24

Way = Literal["socket", "requests"]


@dataclass(frozen=True, slots=True)
class Subject:
    """A receiver that is to lose rights in one way: a member, with a session, or a public link, with its token."""

    act: str
    key: str  # of the user, or of the link
    session: str = ""
    token: str = ""


class Tap(threading.Thread):
    """A subject's page at one process. It keeps all that it hears, and when its rights ended or were narrowed."""

    def __init__(self, url: str, subject: Subject, calendar: str, way: Way) -> None:
        super().__init__(daemon=True)
        self.subject, self.way, self.calendar = subject, way, calendar
        self.heard: list[str] = []
        self.live = threading.Event()
        self.narrowed_at: float | None = None
        self._url = url
        self._ended = threading.Event()
        self._ask: dict[str, Any] = {"type": "subscribe", "id": 1, "calendar": calendar, "state": None, "access": None}

    def __str__(self) -> str:
        return f"{self.subject.act} by {self.way}"

    def run(self) -> None:
        if self.way == "socket":
            self._listen_by_socket()
        else:
            self._listen_by_requests()

    def end(self) -> None:
        """Ask the page to end soon."""
        self._ended.set()

    def _listen_by_socket(self) -> None:
        path = f"/ws/?link={self.subject.token}" if self.subject.token else "/ws/"
        with connect(
            self._url.replace("http", "ws", 1) + path,
            origin=Origin(self._url),
            additional_headers={"Cookie": f"sessionid={self.subject.session}"},
            proxy=None,
            ping_interval=None,
            close_timeout=1,
        ) as socket:
            socket.send(json.dumps(self._ask))
            while not self._ended.is_set():
                try:
                    frame = self._take(str(socket.recv(0.2)))
                except TimeoutError:
                    continue
                except ConnectionClosed as closed:
                    if closed.rcvd is not None and closed.rcvd.code == SIGNED_OUT:
                        self._narrowed()
                    return
                if frame["type"] == "head":
                    socket.send(json.dumps({"type": "ack", "states": frame["states"]}))

    def _listen_by_requests(self) -> None:
        with httpx.Client(base_url=self._url, timeout=_WAIT_SECONDS * 2, trust_env=False) as client:
            if self.subject.token:
                client.headers["Authorization"] = f"Link {self.subject.token}"
            else:
                client.cookies.update({"sessionid": self.subject.session, "csrftoken": _CSRF})
                client.headers["X-CSRFToken"] = _CSRF
            known = None
            while not self._ended.is_set() and self.narrowed_at is None:
                wait = _WAIT_SECONDS if self.live.is_set() else 0
                answer = client.post("/api/frames/", json={"frames": [self._ask], "known": known, "wait": wait})
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    self._narrowed()
                    return
                known = answer.raise_for_status().json()["known"]
                for frame in answer.json()["frames"]:
                    self._take(json.dumps(frame))

    def _take(self, text: str) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(text)
        self.heard.append(text)
        match frame["type"]:
            case "subscribed":
                self._ask |= {"state": frame["state"], "access": frame["access"]}
                self.live.set()
            case "changes":
                self._ask["state"] = frame["newState"]
            case "rights" | "reset":
                self._narrowed()
        return frame

    def _narrowed(self) -> None:
        if self.narrowed_at is None:
            self.narrowed_at = time.monotonic()


@contextmanager
def listening(
    url: str, subjects: Sequence[Subject], calendar: str, *, ways: Sequence[Way] = ("socket", "requests")
) -> Iterator[list[Tap]]:
    """Open a page of each kind for each subject, at one process, for as long as the context lasts."""
    taps = [Tap(url, subject, calendar, way) for subject in subjects for way in ways]
    for tap in taps:
        tap.start()
    try:
        for tap in taps:
            assert tap.live.wait(60), f"{tap} did not open"
        yield taps
    finally:
        for tap in taps:
            tap.end()
        for tap in taps:
            tap.join(_WAIT_SECONDS * 2)


def make_subjects(cluster: Cluster, owner: Program, calendar: str, *, group: str) -> list[Subject]:
    """Return a new member of the calendar for each act of members, and a new link for each act of links."""
    made = _beside(cluster, "make", calendar, *(f"{group}-{act}" for act in OF_MEMBERS))
    members = [
        Subject(act, key, session=session) for act, (key, session) in zip(OF_MEMBERS, made.values(), strict=True)
    ]
    return [*members, *(_link(owner, calendar, act) for act in OF_LINKS)]


def _link(owner: Program, calendar: str, act: str) -> Subject:
    body = {"name": act, "shows": "full"}
    link = owner.client.post(f"/api/calendars/{calendar}/links/", json=body).raise_for_status().json()
    return Subject(act, link["id"], token=link["url"].rstrip("/").rpartition("/")[2])


def end_by_the_application(cluster: Cluster, owner: Program, calendar: str, subject: Subject) -> float:
    """End or narrow a subject's rights as people and programs do. Return when that began (monotonic clock, s).

    An expiry begins when the link expires.
    """
    path = f"/api/calendars/{calendar}"
    started = time.monotonic()
    match subject.act:
        case "sign-out":
            with Program(owner.url, subject.session) as program:
                assert program.client.post("/logout/").status_code == httpx.codes.FOUND
        case "password" | "deactivation":
            started = float(_beside(cluster, subject.act, subject.key)["at"])
        case "membership":
            owner.client.delete(f"{path}/members/{subject.key}/").raise_for_status()
        case "role":
            owner.client.patch(f"{path}/members/{subject.key}/", json={"role": "freebusy"}).raise_for_status()
        case "withdrawal":
            owner.client.delete(f"{path}/links/{subject.key}/").raise_for_status()
        case "expiry":
            started += _EXPIRES_IN_SECONDS
            ends = datetime.now(UTC) + timedelta(seconds=_EXPIRES_IN_SECONDS)
            body = {"expiresAt": ends.isoformat()}
            owner.client.patch(f"{path}/links/{subject.key}/", json=body).raise_for_status()
    return started


# By act, the statement that the operator of a database would execute.
_STATEMENTS: Final = {
    "sign-out": "DELETE FROM django_session WHERE session_key = %(session)s",
    "password": "UPDATE auth_user SET password = '!' WHERE id = %(key)s::int",
    "deactivation": "UPDATE auth_user SET is_active = false WHERE id = %(key)s::int",
    "membership": "DELETE FROM calendar_live_membership WHERE user_id = %(key)s::int AND calendar_id = %(calendar)s",
    "role": (
        "UPDATE calendar_live_membership SET role = 'freebusy' "
        "WHERE user_id = %(key)s::int AND calendar_id = %(calendar)s"
    ),
    "withdrawal": "UPDATE calendar_live_publiclink SET withdrawn_at = now() WHERE id = %(key)s::uuid",
    "expiry": "UPDATE calendar_live_publiclink SET expires_at = now() WHERE id = %(key)s::uuid",
}


def end_behind_its_back(cluster: Cluster, calendar: str, subject: Subject) -> None:
    """End or narrow a subject's rights by SQL, without a notice to any process."""
    given = {"session": subject.session, "key": subject.key, "calendar": calendar}
    with psycopg.connect(cluster.postgres.url, autocommit=True) as connection:
        assert connection.execute(_STATEMENTS[subject.act].encode(), given).rowcount == 1, subject.act


def measure(cluster: Cluster, session: str) -> Iterator[tuple[str, float]]:
    """End rights in each way. Yield each tap, with the seconds until it was closed or narrowed."""
    url = cluster.nodes[0].url
    with Program(cluster.nodes[1].url, session) as owner:
        calendar = owner.create_calendar()
        subjects = make_subjects(cluster, owner, calendar, group="measured")
        with listening(url, subjects, calendar) as taps:
            for one in subjects:
                began_at = end_by_the_application(cluster, owner, calendar, one)
                for tap in [tap for tap in taps if tap.subject is one]:
                    narrowed_at = wait_until(
                        lambda tap=tap: tap.narrowed_at,  # type: ignore[misc]
                        what=f"{tap}",
                        timeout_seconds=60,
                    )
                    yield str(tap), narrowed_at - began_at


def report(figures: Iterable[tuple[str, float]]) -> str:
    """Return the seconds of each tap, and whether the promise was kept, as text."""
    rows = list(figures)
    late = sum(seconds > PROMISED_SECONDS for _, seconds in rows)
    kept = "kept" if not late else f"NOT kept by {late} of {len(rows)}"
    lines = [f"  {name:<28}{seconds:6.2f} s" for name, seconds in rows]
    return "\n".join(
        ["rights that end, until a page hears of it", *lines, f"promised within {PROMISED_SECONDS} s: {kept}"]
    )


# --- the process beside the site -------------------------------------------------------------------------------------


def _beside(cluster: Cluster, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.faults.revoking", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=cluster.environ, check=True, capture_output=True)
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def _make(calendar: str, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    from calendar_live.models import Calendar, Role  # noqa: PLC0415 - only after setup
    from calendar_live.services.calendars import set_role  # noqa: PLC0415
    from tests.live.sockets import sign_in  # noqa: PLC0415
    from tests.people import make_user  # noqa: PLC0415

    made = {}
    for name in names:
        user = make_user(name)
        set_role(Calendar.objects.get(pk=calendar), member=user, role=Role.EDITOR)
        made[name] = (str(user.pk), sign_in(user))
    return made


def _change_account(what: str, key: str) -> dict[str, float]:
    from django.contrib.auth.models import User  # noqa: PLC0415 - only after setup

    user = User.objects.get(pk=key)
    if what == "password":
        user.set_password("another one")
    else:
        user.is_active = False
    started = time.monotonic()  # the clock of the machine is the same for all its processes
    user.save()
    return {"at": started}


def main(arguments: Sequence[str]) -> None:
    """Measure; or, with arguments, make members or change an account, and print the result as JSON."""
    if not arguments:
        with Cluster(nodes=2) as cluster:
            cluster.manage("seed_demo")
            print(report(measure(cluster, sign_in_all(cluster)["ana"])))
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    what, of, *names = arguments
    print(json.dumps(_make(of, names) if what == "make" else _change_account(what, of)))


if __name__ == "__main__":
    main(sys.argv[1:])
