"""Starts Redis (or Valkey), PostgreSQL and nginx for tests and trials, as root or as any other user.

If REDIS_URL or DATABASE_URL names a server, that one is used. Otherwise, one is started with the binary that
testbed/binaries.py finds. A missing binary is an error, and no test is skipped. The data of a server is removed at its
end, unless it has a folder that stays.

    python -m testbed.servers postgres redis -- pytest
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final, NoReturn, Self, TypedDict

from testbed.binaries import find_nginx, find_postgres, find_redis
from testbed.waiting import wait_until
from tools.nginx_conf import nginx_conf, version_of

LOOPBACK: Final = "127.0.0.1"
START_TIMEOUT_SECONDS: Final = 30
STOP_TIMEOUT_SECONDS: Final = 15
# Variables with which a site would use other servers, other addresses or pytest's settings, or would measure coverage.
_OTHERS: Final = frozenset(
    [
        "DATABASE_URL",
        "REDIS_URL",
        "ALLOWED_HOSTS",
        "ORIGINS",
        "HTTPS",
        "FORCE_SCRIPT_NAME",
        "STATIC_ROOT",
        "COVERAGE_RUN",
        "DJANGO_SETTINGS_MODULE",
    ]
)


class Running(ABC):
    """Something that starts and closes. As a context manager, it leaves nothing behind, even if it fails to start."""

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it is ready."""

    @abstractmethod
    def close(self) -> None:
        """End it, even if it has started only in part, and remove its files."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess.Popen` that give up root."""

    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def free_port() -> int:
    """Return a free TCP port of the loopback address. This function gives it to no other process.

    The port is below those that the kernel chooses for connections (32768 and up on Linux). A server starts some time
    after its port was chosen. Until this process ends, it keeps the UDP port of the same number, which marks the port
    as taken.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp, suppress(OSError):
            udp.bind((LOOPBACK, port))
            tcp.bind((LOOPBACK, port))
            udp.detach()  # keeps the socket open
            return port


class Redis(Running):
    """One Redis on a port of its own, in memory only. It can be killed and started again on the same port."""

    def __init__(self, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"redis://{LOOPBACK}:{self.port}"
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Return the command that starts the server. The server stores nothing."""
        return [str(find_redis()), "--port", str(self.port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="calendar-redis-")
        where = ["--dir", self._folder.name, "--logfile", f"{self._folder.name}/log"]
        self._process = subprocess.Popen([*self.command(), *where])
        wait_until(self._answers, what="an answer of Redis", timeout_seconds=START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        if self._process and self._folder and self._process.poll() is not None:
            raise RuntimeError(f"Redis ended at once: {Path(self._folder.name, 'log').read_text()}")
        try:
            with socket.create_connection((LOOPBACK, self.port), 1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(5) == b"+PONG"
        except OSError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP or SIGCONT, without waiting."""
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the server as a crash would. Do nothing if it does not run."""
        if self._process:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_SECONDS)
            self._process = None

    def close(self) -> None:
        """End the server and remove its files."""
        self.kill()  # it stores nothing, so it does not need an orderly shutdown
        if self._folder:
            self._folder.cleanup()


class Postgres(Running):
    """One PostgreSQL cluster on a port of its own. It can be stopped and started again with its data."""

    def __init__(self, *, folder: Path | None = None, port: int | None = None) -> None:
        """Prepare a cluster: a new one, which `close` removes, or the one in `folder`, which stays.

        The user `nobody` must be able to reach `folder` if this is root.
        """
        self.port = port or free_port()
        self.url = f"postgresql://calendar@{LOOPBACK}:{self.port}/postgres"
        self._environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        self._process: subprocess.Popen[bytes] | None = None
        self._stays = folder is not None
        self._folder = folder or open_folder("calendar-postgres-")
        self._run_as: RunAs = nobody() if os.geteuid() == 0 else {}
        self._data, self._log = self._folder / "data", self._folder / "log"
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._run_as:
            os.chown(self._data, self._run_as["user"], self._run_as["group"])
        self._binaries = self._readable(find_postgres()) if self._run_as else find_postgres()
        if not (self._data / "PG_VERSION").exists():
            self._init()

    def _readable(self, binaries: Path) -> Path:
        """Return `binaries`, or a copy if the environment is in a folder that only root can read."""
        try:
            subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, **self._run_as)
        except (PermissionError, subprocess.CalledProcessError):
            install = binaries.parent
            copy = self._folder / "site" / install.parent.name / install.name
            shutil.copytree(install, copy, symlinks=True, dirs_exist_ok=True)
            # The libraries of the wheel are beside the package and are found by a relative path.
            libraries = install.parent.with_name(install.parent.name + ".libs")
            if libraries.is_dir():
                shutil.copytree(libraries, self._folder / "site" / libraries.name, symlinks=True, dirs_exist_ok=True)
            return copy / "bin"
        return binaries

    def _init(self) -> None:
        options = ["-U", "calendar", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            [str(self._binaries / "initdb"), "-D", str(self._data), *options],
            capture_output=True,
            env=self._environ,
            **self._run_as,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr.decode()}")

    def command(self) -> list[str]:
        """Return the command that starts the server. It is fast rather than safe: a power cut may cost its data."""
        options = ["-p", str(self.port), "-k", "", "-h", LOOPBACK, "-F", "-c", "max_connections=200"]
        return [str(self._binaries / "postgres"), "-D", str(self._data), *options]

    def start(self) -> None:
        """Start the server, as `nobody` if this is root, and wait until it accepts connections."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, env=self._environ, **self._run_as)
        wait_until(self._is_ready, what="PostgreSQL to be ready", timeout_seconds=START_TIMEOUT_SECONDS)

    def become(self) -> NoReturn:
        """Replace this process with the server."""
        if self._run_as:
            os.setgroups([])
            os.setgid(self._run_as["group"])
            os.setuid(self._run_as["user"])
        os.chdir("/")
        os.execve(self.command()[0], self.command(), self._environ)  # noqa: S606 - a shell is not wanted

    def _is_ready(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise RuntimeError(f"PostgreSQL ended at once: {self._log.read_text()}")
        return b"ready to accept connections" in self._log.read_bytes()

    def stop(self, stop_signal: signal.Signals = signal.SIGINT) -> None:
        """Stop the server. SIGINT is a fast shutdown; SIGQUIT has the effect of a crash."""
        if self._process:
            self._process.send_signal(stop_signal)
            self._process.wait(STOP_TIMEOUT_SECONDS)
            self._process = None

    def back_up(self, folder: Path) -> None:
        """Copy the files of the server, which is stopped meanwhile."""
        self.stop()
        subprocess.run(["cp", "-a", self._data, folder], check=True)
        self.start()

    @contextmanager
    def being_restored(self, folder: Path) -> Iterator[None]:
        """Replace the files of the server with a copy. The server is stopped until the context ends."""
        self.stop()
        shutil.rmtree(self._data)
        subprocess.run(["cp", "-a", folder, self._data], check=True)
        yield
        self.start()

    def close(self) -> None:
        """Stop the server and remove its files, unless they stay."""
        self.stop()
        if not self._stays:
            shutil.rmtree(self._folder, ignore_errors=True)


class Nginx(Running):
    """One nginx with deploy/nginx.conf, on a port of its own. It can be reloaded, stopped and started again."""

    def __init__(self, program: Path | None = None, /, **conf: Any) -> None:
        """Prepare an nginx that listens on loopback. `conf` holds arguments of `nginx_conf`, such as `nodes`."""
        self._program = program or find_nginx()
        self.port = free_port()
        self.url = f"{'https' if conf.get('tls') else 'http'}://{LOOPBACK}:{self.port}"
        self._folder = open_folder("calendar-nginx-")
        self.conf = {
            "version": version_of(self._program),
            "listen": f"{LOOPBACK}:{self.port}",
            "redirect": f"{LOOPBACK}:{free_port()}",
            "state": self._folder,
            **conf,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        (self._folder / "nginx.conf").write_text(nginx_conf(**self.conf))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(nginx_command(self._program, self._folder), stdout=log, stderr=log)
        wait_until(self._answers, what="an answer of nginx", timeout_seconds=START_TIMEOUT_SECONDS)

    def _answers(self) -> bool:
        if self._process and self._process.poll() is not None:
            raise RuntimeError(f"nginx ended at once: {self.log()}")
        try:
            socket.create_connection((LOOPBACK, self.port), 1).close()
        except OSError:
            return False
        return True

    def log(self) -> str:
        """Return its output and its error log."""
        return "".join(path.read_text() for name in ("log", "error.log") if (path := self._folder / name).exists())

    def access_log(self) -> str:
        """Return its access log."""
        return (self._folder / "access.log").read_text()

    def reload(self) -> None:
        """Write its file again from `conf`, and make it read the file.

        New workers take over, and old ones end their connections in time.
        """
        assert self._process
        (self._folder / "nginx.conf").write_text(nginx_conf(**self.conf))
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stop the server and its workers at once. Do nothing if it does not run."""
        if self._process:
            self._process.terminate()
            self._process.wait(STOP_TIMEOUT_SECONDS)
            self._process = None

    def close(self) -> None:
        """Stop the server and remove its files."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def nginx_command(program: Path, folder: Path) -> list[str]:
    """Return the command that starts an nginx in the foreground with the nginx.conf in `folder`."""
    return [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]


def open_folder(prefix: str) -> Path:
    """Return a new temporary folder. If this is root, the user that servers run as may pass through it."""
    as_root = os.geteuid() == 0
    # The temporary folder of root may be closed to that user.
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp" if as_root else None))
    folder.chmod(0o711)
    return folder


@contextmanager
def folder_for_a_while(prefix: str) -> Iterator[Path]:
    """Yield an `open_folder`, and remove it at the end."""
    folder = open_folder(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def site_environ(**own: str) -> dict[str, str]:
    """Return the environment of a site's processes: this one's, without names of servers and addresses, and `own`.

    Its PATH begins with this Python.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return inherited | {"PATH": path, "DEBUG": "1", "PYTHONUNBUFFERED": "1", **own}


def nobody() -> RunAs:
    """Return the arguments with which a process runs as `nobody` instead of root."""
    entry = pwd.getpwnam("nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


@contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of a Redis: REDIS_URL if it is set, or a server that runs as long as the context."""
    given = os.environ.get("REDIS_URL", "")
    if given:
        yield given
        return
    with Redis() as server:
        yield server.url


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of a PostgreSQL: DATABASE_URL if it names one, or a server that runs as long as the context."""
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith(("postgres:", "postgresql:", "psql:", "pgsql:")):
        yield given
        return
    with Postgres() as server:
        yield server.url


SERVERS: Final[dict[str, tuple[str, Callable[[], AbstractContextManager[str]]]]] = {
    "postgres": ("DATABASE_URL", postgres),
    "redis": ("REDIS_URL", redis),
}


def _exit_on_terminate(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Start the named servers and run a command with their URLs in its environment. Return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m testbed.servers", description=main.__doc__)
    parser.add_argument("servers", nargs="+", choices=sorted(SERVERS))
    if "--" not in arguments:
        parser.error("name the command after --")
    split = list(arguments).index("--")
    names, command = parser.parse_args(arguments[:split]).servers, list(arguments[split + 1 :])
    if not command:
        parser.error("name the command after --")
    signal.signal(signal.SIGTERM, _exit_on_terminate)
    with ExitStack() as stack:
        environ = dict(os.environ)
        for name in dict.fromkeys(names):
            variable, server = SERVERS[name]
            environ[variable] = stack.enter_context(server())
        return subprocess.run(command, env=environ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
