"""Tests that the binaries of servers are found in the promised order, and only if their version fits."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from django.db.backends.postgresql.features import DatabaseFeatures

from testbed import binaries

FIND: Final[dict[str, Callable[[], Path]]] = {
    "redis-server": binaries.find_redis,
    "valkey-server": binaries.find_redis,
    "postgres": lambda: binaries.find_postgres() / "postgres",
    "nginx": binaries.find_nginx,
}
# How each server prints its version.
SAYS: Final = {
    "redis-server": "echo 'Redis server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1a2b3c'",
    "valkey-server": "echo 'Valkey server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=1a2b3c'",
    "postgres": "echo 'postgres (PostgreSQL) {} (Debian 2:13.4-1)'",
    "nginx": "echo 'nginx version: nginx/{} (Ubuntu)' >&2",
}


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Simulate a machine without servers. Return the only folder on its PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(binaries, "SBIN", str(tmp_path / "sbin"))
    monkeypatch.setattr(binaries, "DEBIANS_POSTGRES", tmp_path / "debian")
    return tmp_path / "bin"


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(body)
    path.chmod(0o755)
    return path


def server(path: Path, version: str) -> Path:
    """Create a program that prints the version of a server. Return its path."""
    return program(path, f"#!/bin/sh\n{SAYS[path.name].format(version)}\n")


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("redis-server", "6.2.0"),
        ("valkey-server", "7.2.4"),
        ("postgres", "15.14"),
        ("postgres", "18"),
        ("nginx", "1.27.3"),
    ],
)
def test_a_server_of_the_machine_is_taken_when_its_version_fits(path: Path, name: str, version: str) -> None:
    fits = server(path / name, version)
    assert FIND[name]() == fits


@pytest.mark.parametrize(
    ("name", "version"), [("redis-server", "6.0.16"), ("postgres", "14.20"), ("nginx", "1.27.2"), ("nginx", "1.9.15")]
)
def test_a_server_that_is_too_old_is_passed_over(path: Path, name: str, version: str) -> None:
    old = server(path / name, version)
    assert FIND[name]().is_file()
    assert FIND[name]() != old


@pytest.mark.parametrize("name", FIND)
@pytest.mark.parametrize(
    "body",
    ["#!/bin/sh\nexit 127\n", "#!/bin/sh\necho 99\n", "#!/bin/sh\n{}; exit 1\n", "#!/absent/sh\n", "\0no program"],
    ids=["stand-in", "without a version", "failing", "without its shell", "of another machine"],
)
def test_a_server_that_does_not_start_or_says_no_version_is_passed_over(path: Path, name: str, body: str) -> None:
    broken = program(path / name, body.format(SAYS[name].format("99.1")))
    assert FIND[name]().is_file()
    assert FIND[name]() != broken


def test_every_folder_is_looked_in_until_a_version_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, folders)))
    server(folders[0] / "nginx", "1.22.1")
    fits = server(folders[1] / "nginx", "1.28.0")
    server(folders[2] / "nginx", "1.29.0")
    assert binaries.find_nginx() == fits


def test_nginx_is_found_where_only_root_has_it_on_path(path: Path, tmp_path: Path) -> None:
    server(path / "nginx", "1.22.1")
    fits = server(tmp_path / "sbin/nginx", "1.28.0")
    assert binaries.find_nginx() == fits


def test_a_valkey_is_taken_where_every_redis_is_too_old(path: Path, tmp_path: Path) -> None:
    server(path / "redis-server", "5.0.14")
    valkey = server(path / "valkey-server", "8.1.0")
    assert binaries.find_redis() == valkey
    redis = server(tmp_path / "sbin/redis-server", "7.0.15")
    assert binaries.find_redis() == redis


def test_the_newest_postgresql_of_debian_that_starts_is_taken(tmp_path: Path) -> None:
    for folder, version in {"9.6": "9.6.24", "15": "15.14", "16": "16.10"}.items():
        server(tmp_path / f"debian/{folder}/bin/postgres", version)
    program(tmp_path / "debian/17/bin/postgres", "#!/bin/sh\nexit 1\n")
    assert binaries.find_postgres() == tmp_path / "debian/16/bin"


def test_the_servers_of_the_wheels_are_taken_when_the_machine_has_none() -> None:
    assert binaries.find_redis().name == "valkey-server"
    assert (binaries.find_postgres() / "initdb").is_file()
    assert os.access(binaries.find_nginx(), os.X_OK)


@pytest.mark.parametrize(
    ("find", "package"),
    [(binaries.find_redis, "redis-server"), (binaries.find_postgres, "postgresql"), (binaries.find_nginx, "nginx")],
)
def test_a_missing_server_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, find: Callable[[], Path], package: str
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    with pytest.raises(binaries.ServerMissingError, match=f"apt install {package}"):
        find()


def test_servers_none_of_which_fit_are_named_once_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, path: Path, tmp_path: Path
) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    (tmp_path / "sbin").symlink_to(path)
    old, broken = server(path / "redis-server", "5.0.14"), program(path / "valkey-server", "#!/bin/sh\nexit 1\n")
    with pytest.raises(binaries.ServerMissingError) as missing:
        binaries.find_redis()
    assert "redis-server or valkey-server 6.2 or newer, for `COPY`" in str(missing.value)
    assert f"{old} is 5.0.14. {broken} does not start, or does not say its version. Install" in str(missing.value)


def test_pytest_says_which_servers_it_passed_over(pytestconfig: pytest.Config, path: Path) -> None:
    old = server(path / "postgres", "14.20")
    server(path / "nginx", "1.28.0")
    said = pytestconfig.hook.pytest_report_header(config=pytestconfig, start_path=pytestconfig.rootpath)
    lines = [line for one in said for line in (one if isinstance(one, list) else [one])]
    assert f"passed over: {old} is 14.20; needed is postgres 15 or newer, for Django 6.1" in lines
    assert [line for line in lines if "nginx" in line] == []


def test_a_server_is_asked_for_its_version_once(path: Path, tmp_path: Path) -> None:
    program(path / "nginx", f"#!/bin/sh\necho asked >>{tmp_path}/asked\n{SAYS['nginx'].format('1.28.0')}\n")
    assert binaries.find_nginx() == binaries.find_nginx()
    assert (tmp_path / "asked").read_text() == "asked\n"


def test_no_postgresql_is_taken_that_django_refuses() -> None:
    djangos = DatabaseFeatures.minimum_database_version
    assert djangos
    assert binaries.POSTGRES.oldest >= djangos
