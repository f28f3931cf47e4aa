"""Tests that the systemd unit has the right directives, and passes systemd's own check where systemd is installed.

test_production.py runs the unit's commands.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from calendar_live import conf
from testbed.cluster import web_command
from tests.deploy.files import CHECKOUT, KEPT, ROOT, UNIT, example, run, seconds, unit_command, unit_directives
from tools.nginx_conf import nginx_conf

# The unit forbids what its process does not need: systemd.exec(5).
HARDENED: Final = {
    "CapabilityBoundingSet": "",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RemoveIPC": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
}
TOLD: Final = {
    "Unit": {"After", "Description", "StartLimitIntervalSec", "Wants"},
    "Service": {
        "Environment",
        "EnvironmentFile",
        "ExecStart",
        "ExecStartPost",
        "Group",
        "KillMode",
        "KillSignal",
        "LimitNOFILE",
        "Restart",
        "RestartSec",
        "StateDirectory",
        "StateDirectoryMode",
        "SystemCallFilter",
        "TimeoutStartSec",
        "TimeoutStopSec",
        "Type",
        "UMask",
        "User",
        "WorkingDirectory",
        *HARDENED,
    },
    "Install": {"WantedBy"},
}


def test_every_directive_is_one_that_systemd_knows_in_its_section() -> None:
    """Seen failing with TimeoutStopSecs."""
    text = UNIT.read_text()
    sections = dict(re.findall(r"^\[(\w+)\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL))
    told = {name: set(re.findall(r"^(\w+)=", lines, re.MULTILINE)) for name, lines in sections.items()}
    assert told == TOLD
    assert [line for line in text.splitlines() if not re.fullmatch(r"(#.*|\[\w+\]|\w+=.*|)", line)] == []


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """Seen failing with TimeoutStopSec=15x."""
    checker = shutil.which("systemd-analyze")
    if checker:  # otherwise only the test above runs: no package of the test requirements contains systemd
        here = UNIT.read_text().replace(f"{CHECKOUT}/.venv/bin/python", sys.executable).replace(CHECKOUT, str(ROOT))
        (tmp_path / "calendar-live@8001.service").write_text(here)
        checked = run(checker, "verify", tmp_path / "calendar-live@8001.service")
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_what_a_process_needs_not_it_may_not() -> None:
    assert {name: unit_directives(name) for name in HARDENED} == {name: [value] for name, value in HARDENED.items()}
    assert unit_directives("SystemCallFilter") == ["@system-service", "~@privileged @resources"]
    assert unit_directives("User") == unit_directives("Group") == ["calendar-live"]


def test_the_unit_starts_a_process_as_the_cluster_does() -> None:
    assert unit_command("ExecStart")[1:] == web_command("Procfile.cluster")[1:]
    assert unit_command("ExecStartPost")[1:4] == ["-m", "project.ready", "$PORT"]
    assert unit_directives("WorkingDirectory") == [CHECKOUT]


def test_a_process_is_given_longer_to_start_and_to_stop_than_it_takes() -> None:
    (start,), (stop,) = unit_directives("TimeoutStartSec"), unit_directives("TimeoutStopSec")
    assert seconds(start) > seconds(unit_command("ExecStartPost")[-1])
    assert seconds(stop) > 3 * conf.app.DRAIN_SECONDS  # closing sockets, and a slow machine, take longer
    assert unit_directives("KillSignal") == ["SIGTERM"]


def test_the_unit_keeps_what_it_keeps_where_its_settings_say() -> None:
    assert [f"/var/lib/{name}" for name in unit_directives("StateDirectory")] == [KEPT]
    assert example()["STATIC_ROOT"] == f"{KEPT}/static"
    assert example()["DATABASE_URL"].startswith(f"sqlite:///{KEPT}/")
    assert f"alias {KEPT}/static/;" in nginx_conf()


def test_the_ports_of_the_document_are_nginxs() -> None:
    ports = re.findall(r"server 127\.0\.0\.1:(\d+) ", nginx_conf())
    assert ports
    assert re.findall(r"calendar-live@(\d+)", UNIT.read_text()) == ports
