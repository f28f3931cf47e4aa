"""Tests that the temporary servers start, answer, come back after a crash, and leave nothing behind."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from testbed import binaries, servers
from testbed.waiting import wait_until


@pytest.fixture(autouse=True)
def no_given_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)


def ping(port: int) -> bytes:
    with socket.create_connection((servers.LOOPBACK, port), 1) as client:
        client.sendall(b"PING\r\n")
        return client.recv(7)


def test_redis_answers_and_comes_back_on_the_same_port_after_a_crash() -> None:
    server = servers.Redis()
    try:
        server.start()
        assert ping(server.port) == b"+PONG\r\n"
        server.kill()
        with pytest.raises(OSError, match="refused"):
            ping(server.port)
        server.start()
        assert ping(server.port) == b"+PONG\r\n"
    finally:
        server.close()


def test_postgres_keeps_its_data_when_it_is_started_again() -> None:
    server = servers.Postgres()
    try:
        server.start()
        with psycopg.connect(server.url) as connection:
            connection.execute("create table kept (number int)")
        server.stop()
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (0,)
    finally:
        server.close()
    assert not server._folder.exists()


def test_postgres_in_a_folder_of_ones_own_stays_there() -> None:
    folder = servers.open_folder("calendar-kept-")
    try:
        for statement in ("create table kept (number int)", "insert into kept values (1)"):
            server = servers.Postgres(folder=folder)
            server.start()
            with psycopg.connect(server.url) as connection:
                connection.execute(statement)
            server.close()
    finally:
        shutil.rmtree(folder)


def status_of(url: str) -> int:
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.get(url).status_code


def test_nginx_reads_its_file_again_and_leaves_no_worker_behind() -> None:
    nginx = servers.Nginx(nodes=[f"{servers.LOOPBACK}:{servers.free_port()}"])
    try:
        nginx.start()
        assert status_of(f"{nginx.url}/ws/") == 502  # no process is running
        nginx.conf["refuse_websockets"] = True
        nginx.reload()
        wait_until(lambda: status_of(f"{nginx.url}/ws/") == 403, what="the new workers")
        assert nginx._process
        family = psutil.Process(nginx._process.pid).children(recursive=True)
        assert family
    finally:
        nginx.close()
    assert psutil.wait_procs(family, timeout=10)[1] == []
    with pytest.raises(httpx.ConnectError):
        status_of(nginx.url)


def test_a_given_server_is_used_instead_of_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://given:1")
    monkeypatch.setenv("DATABASE_URL", "postgresql://given/db")
    with servers.redis() as redis_url, servers.postgres() as database_url:
        assert (redis_url, database_url) == ("redis://given:1", "postgresql://given/db")


def test_a_sqlite_database_url_is_not_taken_for_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///given.sqlite3")
    monkeypatch.setattr(servers.Postgres, "start", lambda self: None)  # other tests start it
    with servers.postgres() as database_url:
        assert database_url.startswith("postgresql://calendar@127.0.0.1:")


def test_postgres_from_the_wheel_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    in_wheel = binaries._in_wheel(*binaries.POSTGRES.wheel)[0].parent
    monkeypatch.setattr(servers, "find_postgres", lambda: in_wheel)
    with servers.postgres() as url, psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_the_command_line_gives_the_urls_and_passes_the_exit_code_on() -> None:
    script = "import os; print(os.environ['REDIS_URL']); raise SystemExit(7)"
    ran = subprocess.run(
        [sys.executable, "-m", "testbed.servers", "redis", "--", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if name != "REDIS_URL"},
    )
    assert ran.returncode == 7
    assert ran.stdout.startswith("redis://127.0.0.1:")


@pytest.mark.parametrize("arguments", [[], ["redis"], ["redis", "--"], ["mongo", "--", "true"]])
def test_the_command_line_refuses_what_it_cannot_run(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        servers.main(arguments)
    assert refused.value.code == 2
