"""Drives frontend/farm: many real clients, which behave like pages, in one Node process.

Use it as `with Farm(site_url) as farm: farm.open([Client(…), …])`. The farm adds to `violations` everything that
it finds wrong.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, Literal

from testbed.servers import Running
from testbed.waiting import wait_until

FRONTEND: Final = Path(__file__).parents[1] / "frontend"
REPLY_TIMEOUT_SECONDS: Final = 60
STOP_TIMEOUT_SECONDS: Final = 10

Way = Literal["socket", "requests", "mixed"]


@dataclass(frozen=True, slots=True)
class Client:
    """One page: its user (`cookies`), the calendars it shows, the half-open range, and how it connects.

    The range is in milliseconds since 1970. `way` is `socket`, as in most browsers; `requests` if WebSockets never
    open; `mixed` if every second WebSocket does not open.
    """

    name: str
    cookies: str
    calendars: Sequence[str]
    start_ms: int
    end_ms: int
    way: Way = "socket"


@dataclass(slots=True)
class Comparison:
    """The result of a comparison with fresh feeds. There are no differences unless something is wrong."""

    compared: int
    feeds: int
    differences: list[dict[str, str]] = field(default_factory=list)


@cache
def _built() -> tempfile.TemporaryDirectory[str]:
    """Build the farm from the current sources. Return its folder, which is removed when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="calendar-farm-")
    command = [
        "node",
        "node_modules/vite/bin/vite.js",
        "build",
        "--mode",
        "farm",
        "--outDir",
        folder.name,
    ]
    ran = subprocess.run(command, cwd=FRONTEND, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"the farm was not built:\n{ran.stdout}{ran.stderr}")
    return folder


def now_ms() -> float:
    """Return the milliseconds of the clock that the farm also reads."""
    return time.monotonic_ns() / 1e6


class Farm(Running):
    """The Node process with the clients. As a context manager, it ends the process."""

    def __init__(self, site: str, *, log: Path | None = None) -> None:
        self.site = site
        self.violations: list[dict[str, Any]] = []
        self.complaints: list[dict[str, Any]] = []
        self._log = log
        self._ids = count(1)
        self._replies: dict[int, Future[Any]] = {}
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None
        self._reader: Thread | None = None
        self._ready: Future[None] = Future()

    def start(self) -> None:
        """Build the farm and start it. Raises RuntimeError if the farm cannot be built."""
        # Every Node with a WebSocket accepts this option. A Node that has the WebSocket by default ignores it.
        command = ["node", "--experimental-websocket", str(Path(_built().name, "farm.mjs"))]
        with self._log.open("ab") if self._log else open("/dev/null", "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
            )
        self._reader = Thread(target=self._read, name="farm", daemon=True)
        self._reader.start()
        self._ready.result(REPLY_TIMEOUT_SECONDS)

    def _lines(self) -> Iterable[str]:
        return (self._process and self._process.stdout) or ()

    def _read(self) -> None:
        for line in self._lines():
            message = json.loads(line)
            match message.get("event"):
                case "ready":
                    self._ready.set_result(None)
                case "violation":
                    self.violations.append(message)
                case "complaint":
                    self.complaints.append(message)
                case _:
                    self._answer(message)
        ended = RuntimeError("the farm has ended")
        with self._lock:
            waiting, self._replies = list(self._replies.values()), {}
        for one in [self._ready, *waiting]:
            if not one.done():
                one.set_exception(ended)

    def _answer(self, message: dict[str, Any]) -> None:
        with self._lock:
            waiting = self._replies.pop(message["reply"])
        if "error" in message:
            waiting.set_exception(RuntimeError(message["error"]))
        else:
            waiting.set_result(message["value"])

    def ask(
        self, command: str, *, given: Mapping[str, object] | None = None, timeout_seconds: float = REPLY_TIMEOUT_SECONDS
    ) -> Any:
        """Send a command and return its answer. Raises RuntimeError with the farm's error."""
        answer: Future[Any] = Future()
        with self._lock:
            number = next(self._ids)
            self._replies[number] = answer
            if self._process is None or self._process.stdin is None:
                raise RuntimeError("the farm does not run")
            self._process.stdin.write(json.dumps({"id": number, "command": command, **(given or {})}) + "\n")
        return answer.result(timeout_seconds)

    def open(self, clients: Iterable[Client], *, one_history: bool = True) -> None:
        """Open clients. With `one_history`, a second history of a calendar is a violation in any picture."""
        given = [
            {
                "name": one.name,
                "site": self.site,
                "cookies": one.cookies,
                "way": one.way,
                "calendars": list(one.calendars),
                "range": {"start": one.start_ms, "end": one.end_ms},
            }
            for one in clients
        ]
        self.ask("open", given={"clients": given, "oneHistory": one_history})

    def cut(self, names: Sequence[str], *, only: Literal["all", "sockets"] = "all") -> None:
        """Cut connections of clients without closing them in order: all connections, or the WebSockets."""
        self.ask("cut", given={"names": list(names), "only": only})

    def signal(self, signal: Literal["doubt", "pause", "resume"], names: Sequence[str] | None = None) -> None:
        """Send clients a browser's signal: the machine woke up, or the page enters or leaves the back/forward cache."""
        self.ask("signal", given={"signal": signal, **_named(names)})

    def acknowledged(self, changes: Iterable[tuple[str, str, float]]) -> None:
        """Report acknowledged changes: calendar, state, and time (`now_ms`)."""
        given = [{"calendar": calendar, "state": state, "at": at} for calendar, state, at in changes]
        self.ask("acknowledged", given={"changes": given})

    def fault(self, kind: str, *, start_ms: float, end_ms: float | None = None) -> None:
        """Report the start of a fault, and later its end. Clients that are late meanwhile are counted separately."""
        self.ask("fault", given={"kind": kind, "from": start_ms, "to": end_ms})

    def status(self) -> dict[str, Any]:
        """Return how many clients there are, how many are live, how many have a whole picture, and how they connect."""
        return dict(self.ask("status"))

    def await_whole(self, *, timeout_seconds: float = 30) -> None:
        """Wait until every client is live and has answers for all ranges that it shows."""

        def whole() -> bool:
            status = self.status()
            return bool(status["whole"] == status["clients"])

        wait_until(whole, what="whole pictures of all clients", timeout_seconds=timeout_seconds, interval_seconds=0.1)

    def snapshot(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return, by client and calendar, the cursor and the shown items (id -> state and title)."""
        return dict(self.ask("snapshot", given=_named(names)))

    def compare(self, *, timeout_seconds: float = 15) -> Comparison:
        """Compare clients with feeds that have all acknowledged changes, until all are equal or the time is up."""
        found = self.ask(
            "compare",
            given={"timeoutMs": timeout_seconds * 1000},
            timeout_seconds=timeout_seconds + REPLY_TIMEOUT_SECONDS,
        )
        return Comparison(found["compared"], found["feeds"], found["differences"])

    def stats(self) -> dict[str, Any]:
        """Return the counts since the start. Times are those of `now_ms`."""
        return dict(self.ask("stats"))

    def tamper(self, names: Sequence[str], *, find: str, replace: str) -> None:
        """Replace a JavaScript regular expression in what WebSockets receive. Only tests of the farm use this."""
        self.ask("tamper", given={"names": list(names), "find": find, "replace": replace})

    def inject(self, names: Sequence[str], frame: Mapping[str, object]) -> None:
        """Give clients with a WebSocket a frame that no server sent. Only tests of the farm use this."""
        self.ask("inject", given={"names": list(names), "frame": frame})

    def close(self) -> None:
        """End the process. If it does not end by itself, kill it."""
        if not self._process:
            return
        process, self._process = self._process, None
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader:
            self._reader.join(STOP_TIMEOUT_SECONDS)
        if process.stdout:
            process.stdout.close()


def _named(names: Sequence[str] | None) -> dict[str, object]:
    return {} if names is None else {"names": list(names)}
