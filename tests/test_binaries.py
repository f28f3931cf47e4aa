"""The servers' binaries are found in the promised order."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import binaries


def machine_without_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    monkeypatch.setattr(binaries, "DEBIANS_POSTGRES", tmp_path)


@pytest.mark.parametrize(
    ("find", "package"),
    [(binaries.find_redis, "redis-server"), (binaries.find_postgres, "postgresql"), (binaries.find_nginx, "nginx")],
)
def test_a_missing_server_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, find: Callable[[], Path], package: str
) -> None:
    machine_without_servers(monkeypatch, tmp_path)
    monkeypatch.setattr(binaries, "find_spec", lambda name: None)
    with pytest.raises(binaries.ServerMissingError, match=f"apt install {package}"):
        find()


def test_the_wheels_servers_are_found_when_the_machine_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine_without_servers(monkeypatch, tmp_path)
    assert binaries.find_redis().name == "valkey-server"
    assert (binaries.find_postgres() / "postgres").is_file()
    assert os.access(binaries.find_nginx(), os.X_OK)
