"""Describes the machine on which the figures were taken, and how busy it was."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from testbed.binaries import find_redis

_PACKAGES: Final = (
    "Django",
    "channels",
    "channels_redis",
    "redis",
    "daphne",
    "Twisted",
    "autobahn",
    "asgiref",
    "msgpack",
)


def raise_file_limit(wanted: int) -> None:
    """Allow this process and its children `wanted` open files. Raises OSError if the machine permits fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise OSError(f"{wanted} open files are needed, and the machine allows {hard}: ask for fewer --sockets")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def busy_seconds() -> float:
    """Return the CPU time in seconds that all processes of the machine have used since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, _stolen = fields
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def description() -> list[str]:
    """Return lines that describe the machine and the versions of the software."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return [
        f"{os.cpu_count()} × {model}, {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"{_versions(_PACKAGES)}, {_redis_version()}",
    ]


def _versions(packages: Iterable[str]) -> str:
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _redis_version() -> str:
    said = subprocess.run([find_redis(), "--version"], check=True, capture_output=True, text=True).stdout
    return " ".join(said.replace("v=", "").split()[0:3:2])
