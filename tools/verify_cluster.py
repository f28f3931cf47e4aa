"""Start `make run-cluster`, use the site as people would, and end it with Ctrl+C.

Fails if something does not work or is left behind.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

from project.ready import is_ready
from testbed.followers import Follower, read_until
from testbed.servers import LOOPBACK, folder_for_a_while, free_port, site_environ
from testbed.serving import calendar_of, cookie_of, sign_in
from testbed.waiting import wait_until
from tools.cluster import ROOT, ports_of
from tools.need_port import complaint

START_TIMEOUT_SECONDS: Final = 120
STOP_TIMEOUT_SECONDS: Final = 30
WEB: Final = 2


def free_ports() -> dict[str, list[int]]:
    """Return ports for a cluster that are all free now, or an empty dict if one of a random choice is taken."""
    ports = ports_of({"PORT": str(free_port()), "WEB": str(WEB)})
    return {} if any(complaint(str(port)) for line in ports.values() for port in line) else ports


def use(ports: dict[str, list[int]]) -> None:
    """Sign in through nginx, delete an item through each process, and hear of it from nginx and every process."""
    with ExitStack() as stack:
        client = stack.enter_context(closing(sign_in(f"http://{LOOPBACK}:{ports['nginx'][0]}", name="ben")))
        script = client.get(
            "/static/calendar_live/dist/page.js", headers={"Accept-Encoding": "gzip"}
        ).raise_for_status()
        assert script.headers["content-encoding"] == "gzip", "the page's script is not compressed"
        calendar, today = calendar_of(client)["id"], datetime.now(tz=UTC).date()
        window = {
            "start": str(today - timedelta(days=30)),
            "end": str(today + timedelta(days=30)),
            "work_type": "meeting",
        }
        feed = client.get(f"/api/calendars/{calendar}/feed/", params=window).raise_for_status()
        assert "content-encoding" not in feed.headers, "an answer is compressed"
        states = {item["id"]: item["state"] for item in feed.json()}
        assert len(states) >= WEB, "the demo has no meetings"
        followers = [
            stack.enter_context(closing(Follower(port, cookie=cookie_of(client), calendar=calendar)))
            for port in (ports["nginx"][0], *ports["web"])
        ]
        for one in followers:
            one.items = dict(states)
            one.follow()
        for port, (item, state) in zip(ports["web"], list(states.items()), strict=False):
            started = time.perf_counter()
            client.delete(
                f"http://{LOOPBACK}:{port}/api/calendars/{calendar}/items/{item}/", headers={"If-Match": f'"{state}"'}
            ).raise_for_status()
            del states[item]
            everywhere = lambda: all(one.items == states for one in followers)  # noqa: E731 - used at once
            read_until(everywhere, followers, what="every process and nginx to tell of a deletion")
            milliseconds = (time.perf_counter() - started) * 1000
            print(f"Deleted through port {port}: every process and nginx told of it within {milliseconds:.0f} ms.")


def ended(family: list[psutil.Process], ports: dict[str, list[int]]) -> list[str]:
    """Return what is left of a cluster: processes, and ports that are still in use."""
    _, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT_SECONDS)
    left = [f"process {process.pid} ({process.name()})" for process in alive]
    return left + [f"port {port}" for line in ports.values() for port in line if complaint(str(port))]


def main() -> int:
    """Return 0 if the cluster starts, works and ends."""
    with folder_for_a_while("calendar-cluster-verified-") as folder:
        verify(folder)
    print(f"The cluster of nginx, {WEB} processes, PostgreSQL and Redis starts, works, and ends without a trace.")
    return 0


def verify(folder: Path) -> None:
    """Start a cluster in a folder, use it and end it. Raises if something is not as it should be."""
    ports = wait_until(free_ports, what="ports that are free")
    log = folder / "log"
    with log.open("wb") as output:
        cluster = subprocess.Popen(
            ["make", "run-cluster"],
            cwd=ROOT,
            env=site_environ(PORT=str(ports["nginx"][0]), WEB=str(WEB), CLUSTER=str(folder)),
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    family = [psutil.Process(cluster.pid)]
    try:
        wait_until(
            # The address is printed before nginx takes connections.
            lambda: (
                ("Ctrl+C stops it" in log.read_text() and is_ready(ports["nginx"][0])) or cluster.poll() is not None
            ),
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
    except BaseException:  # even after Ctrl+C, because the cluster's output shows the cause
        print(log.read_text(), file=sys.stderr)
        raise
    finally:
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        cluster.wait()


if __name__ == "__main__":
    sys.exit(main())
