"""A machine that lacks something is told so at once, in words that help."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a folder to be the whole PATH, with nothing in it but a shell's few needs."""
    (tmp_path / "sh").symlink_to("/bin/sh")
    (tmp_path / "cat").symlink_to("/bin/cat")
    return tmp_path


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def run(*command: str, path: Path, **environ: str) -> tuple[int, str]:
    """Return the exit code and all output of a tool on a machine whose PATH is one folder."""
    ran = subprocess.run(
        ["/bin/sh", *command],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": str(path), **environ},
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_a_machine_without_python_is_told_what_to_install(bare: Path) -> None:
    code, said = run("tools/find-python", "3.11", path=bare)
    assert code == 1
    assert "needs Python 3.11 or newer" in said
    assert "python3-venv" in said


def test_a_python_that_does_not_start_is_passed_over(bare: Path) -> None:
    program(bare / "python3.11", "exit 127")  # as a version manager's stand-in for a version it has not selected
    (bare / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]  # the one outside the virtual environment
    code, said = run("tools/find-python", "3.11", path=bare)
    assert (code, Path(said.strip()).exists()) == (0, True)


def test_a_given_python_that_is_too_old_is_refused_and_no_other_is_taken(bare: Path) -> None:
    (bare / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]  # as above
    program(bare / "old", "exit 1")
    code, said = run("tools/find-python", "3.11", path=bare, PYTHON=str(bare / "old"))
    assert code == 1
    assert f"PYTHON={bare / 'old'} is no Python 3.11 or newer" in said


def test_a_machine_without_node_is_told_which_one_is_needed(bare: Path) -> None:
    code, said = run("tools/need-node", path=bare)
    assert code == 1
    assert "needs Node 20.19 or newer" in said


def test_an_old_node_is_named(bare: Path) -> None:
    program(bare / "npm", "exit 0")
    program(bare / "node", 'if [ "$1" = --version ]; then echo v18.1.0; else exit 1; fi')
    code, said = run("tools/need-node", path=bare)
    assert code == 1
    assert "this is Node v18.1.0" in said


def test_a_taken_port_is_said_before_anything_starts() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = subprocess.run([sys.executable, "tools/need_port.py", port], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert f"Port {port} cannot be used" in ran.stderr


@pytest.mark.parametrize("port", ["", "http", "0", "65536"])
def test_what_is_no_port_is_refused(port: str) -> None:
    ran = subprocess.run([sys.executable, "tools/need_port.py", port], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "is no port number" in ran.stderr


def test_make_run_stops_at_once_on_a_machine_without_python(
    bare: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("Makefile", "tools", "requirements", "frontend"):
        (checkout / name).symlink_to(ROOT / name)
    for name in ("find", "awk", "env"):
        found = next(path for folder in os.defpath.split(os.pathsep) if (path := Path(folder or ".", name)).exists())
        (bare / name).symlink_to(found)
    made = subprocess.run(
        [shutil.which("make") or "make", "run"],
        cwd=checkout,
        env={"PATH": str(bare), "HOME": str(bare)},
        capture_output=True,
        text=True,
    )
    assert made.returncode != 0
    assert "needs Python 3.11 or newer" in made.stderr
    assert sorted(path.name for path in checkout.iterdir()) == ["Makefile", "frontend", "requirements", "tools"]
