"""Tests that Ctrl+C ends `make run` in order and at once, whatever is open."""

from __future__ import annotations

import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from honcho.manager import KILL_WAIT  # type: ignore[import-untyped]  # honcho ships no types

from testbed.cluster import ROOT, Node
from testbed.followers import Follower
from testbed.serving import calendar_of, cookie_of, environment, filled_database, sign_in
from testbed.waiting import wait_until

# Runs the Procfile with a honcho that sends SIGKILL only after ten times its usual time, because an orderly end may
# take that long on a busy machine.
PATIENT_HONCHO: Final = f"""
import honcho.command, honcho.manager
honcho.manager.KILL_WAIT = {10 * KILL_WAIT}
honcho.command.main()
"""


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Node]:
    """Yield the site as `make run` starts it, by its Procfile."""
    database = shutil.copy(filled_database(), tmp_path / "trial.sqlite3")
    drain = re.search(r"^run: export DRAIN_SECONDS \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert drain
    assert 10 * float(drain[1]) <= KILL_WAIT, "a machine that is ten times as slow ends in order, too"
    node = Node(environ={}, log=tmp_path / "log", command=[sys.executable, "-c", PATIENT_HONCHO, "start", "web"])
    node._environ = environment(f"sqlite:///{database}") | {"PORT": str(node.port), "DRAIN_SECONDS": drain[1]}
    node.start()
    yield node
    if node.runs:
        node.stop()


def test_ctrl_c_ends_a_trial_in_order_and_at_once_although_pages_are_open(trial: Node) -> None:
    """Seen failing with DRAIN_SECONDS as in production, and with a shell between honcho and the process."""
    with closing(sign_in(trial.url)) as client:
        calendar = str(calendar_of(client)["id"])
        with closing(Follower(trial.port, cookie=cookie_of(client), calendar=calendar)) as page:
            wait_until(lambda: "WSCONNECT" in trial.log(), what="the page to be there")
            assert trial.stop(signal.SIGINT) == 130
            assert page.closed is None, "it reads nothing, and so takes its time"
    assert "web.1 stopped (rc=0)" in trial.log()
    assert "SIGKILL" not in trial.log()
    assert "Traceback" not in trial.log()
