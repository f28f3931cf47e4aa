"""Start `make run-cluster`, use it as people would, end it with Ctrl+C. Fails when something does not work or is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import psutil
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.servers import LOOPBACK, free_port, open_folder
from tests.waiting import wait_until
from tools.cluster import ROOT, ports_of
from tools.need_port import complaint

START_TIMEOUT_SECONDS: Final = 120
STOP_TIMEOUT_SECONDS: Final = 30
FRAME_TIMEOUT_SECONDS: Final = 15
WEB: Final = 2
# What would have it use servers, ports or data of somebody else's.
OTHERS: Final = {"DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS", "ORIGINS", "HTTPS", "FORCE_SCRIPT_NAME", "STATIC_ROOT"}


def free_ports() -> dict[str, list[int]]:
    """Return the ports of a cluster that are all free just now, or nothing when the first guess was wrong."""
    ports = ports_of({"PORT": str(free_port()), "WEB": str(WEB)})
    return {} if any(complaint(str(port)) for line in ports.values() for port in line) else ports


def sign_in(client: httpx.Client) -> None:
    """Sign in as the demo's editor, by the form."""
    form = client.get("/login/").raise_for_status()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token, "the sign-in page has no form"
    answer = client.post(
        "/login/", data={"csrfmiddlewaretoken": token[1], "username": "ben", "password": "demo", "next": "/"}
    )
    assert answer.status_code == 302, f"signing in answered {answer.status_code}"


def listening(port: int, client: httpx.Client) -> AbstractContextManager[ClientConnection]:
    """Return a WebSocket at a port, to be opened as whom the client is signed in as."""
    cookie = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
    origin = Origin(f"http://{LOOPBACK}:{port}")
    return connect(f"ws://{LOOPBACK}:{port}/ws/", origin=origin, additional_headers=cookie, proxy=None)


def follow(socket: ClientConnection, calendar_id: str) -> None:
    """Follow a calendar from now on."""
    ask = {"type": "subscribe", "id": 1, "calendar": calendar_id, "state": None, "access": None}
    socket.send(json.dumps(ask))
    heard(socket, "subscribed")


def heard(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next frame of a kind."""
    while True:
        frame: dict[str, Any] = json.loads(socket.recv(FRAME_TIMEOUT_SECONDS))
        if frame["type"] == kind:
            return frame


def use(ports: dict[str, list[int]]) -> None:
    """Sign in through nginx, delete an item through each process, and hear of it from nginx and from every process."""
    site = f"http://{LOOPBACK}:{ports['nginx'][0]}"
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=site, trust_env=False))
        sign_in(client)
        script = client.get(
            "/static/calendar_live/dist/page.js", headers={"Accept-Encoding": "gzip"}
        ).raise_for_status()
        assert script.headers["content-encoding"] == "gzip", "the page's script is not compressed"
        calendar = next(one for one in client.get("/api/calendars/").json() if one["name"] == "Team")
        today = datetime.now(tz=UTC).date()
        window = {
            "start": str(today - timedelta(days=30)),
            "end": str(today + timedelta(days=30)),
            "work_type": "meeting",
        }
        feed = client.get(f"/api/calendars/{calendar['id']}/feed/", params=window).raise_for_status()
        assert "content-encoding" not in feed.headers, "an answer is compressed"
        items = feed.json()
        assert len(items) >= WEB, "the demo has no meetings"
        sockets = {port: stack.enter_context(listening(port, client)) for port in (ports["nginx"][0], *ports["web"])}
        for socket in sockets.values():
            follow(socket, calendar["id"])
        for port, item in zip(ports["web"], items, strict=False):
            started = time.perf_counter()
            client.delete(
                f"http://{LOOPBACK}:{port}/api/calendars/{calendar['id']}/items/{item['id']}/",
                headers={"X-CSRFToken": client.cookies["csrftoken"], "If-Match": f'"{item["state"]}"'},
            ).raise_for_status()
            for listener, socket in sockets.items():
                assert heard(socket, "changes")["destroyed"] == [item["id"]], f"port {listener} heard of something else"
            milliseconds = (time.perf_counter() - started) * 1000
            print(f"Deleted through port {port}: every process and nginx told of it within {milliseconds:.0f} ms.")


def ended(family: list[psutil.Process], ports: dict[str, list[int]]) -> list[str]:
    """Return what is left of a cluster: processes, and ports that still listen."""
    _, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT_SECONDS)
    left = [f"process {process.pid} ({process.name()})" for process in alive]
    return left + [f"port {port}" for line in ports.values() for port in line if complaint(str(port))]


def main() -> int:
    """Return 0 when the cluster starts, works and ends."""
    folder = open_folder("calendar-cluster-verified-")
    environ = {name: value for name, value in os.environ.items() if name not in OTHERS}
    ports = wait_until(free_ports, what="ports that are free")
    own = {"PORT": str(ports["nginx"][0]), "WEB": str(WEB), "CLUSTER": str(folder), "DEBUG": "1"}
    log = folder / "log"
    with log.open("wb") as output:
        cluster = subprocess.Popen(
            ["make", "run-cluster"],
            cwd=ROOT,
            env=environ | own,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    family = [psutil.Process(cluster.pid)]
    try:
        wait_until(
            lambda: "Ctrl+C stops it" in log.read_text() or cluster.poll() is not None,
            what="the cluster to start",
            timeout_seconds=START_TIMEOUT_SECONDS,
        )
        assert cluster.poll() is None, "the cluster ended at once"
        family += family[0].children(recursive=True)
        use(ports)
        os.killpg(cluster.pid, signal.SIGINT)  # as a terminal does
        left = ended(family, ports)
        assert not left, f"Ctrl+C left behind: {', '.join(left)}"
        assert "SIGKILL" not in log.read_text(), "something had to be killed"
    except BaseException:
        print(log.read_text(), file=sys.stderr)
        raise
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        cluster.wait()
        shutil.rmtree(folder)
    print(f"The cluster of nginx, {WEB} processes, PostgreSQL and Redis starts, works, and ends without a trace.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
