"""Tests that the tools say at once what a machine lacks, in words that help, and run commands side by side."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from testbed.waiting import wait_until
from tools.side_by_side import main

ROOT: Final = Path(__file__).parents[1]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a folder to use as the whole PATH. It contains only what a shell needs."""
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
    program(bare / "python3.11", "exit 127")  # like a version manager's stand-in for a version that is not selected
    # The Python outside the virtual environment.
    (bare / "python3").symlink_to(sys._base_executable)  # type: ignore[attr-defined]
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


def side_by_side(*commands: str) -> subprocess.CompletedProcess[str]:
    words = [word for command in commands for word in (":::", "sh", "-c", command)]
    return subprocess.run([sys.executable, "tools/side_by_side.py", *words], cwd=ROOT, capture_output=True, text=True)


def test_commands_side_by_side_run_at_once_and_each_one_is_told_whole(tmp_path: Path) -> None:
    """Each command writes into a pipe that the other reads, so neither could end if they ran one after the other."""
    for name in ("a", "b"):
        os.mkfifo(tmp_path / name)
    a, b = tmp_path / "a", tmp_path / "b"
    ran = side_by_side(f"echo from first >{a}; cat {b}", f"cat {a}; echo from second >{b}")
    assert ran.returncode == 0
    first, _, rest = ran.stdout.partition("\n--- sh -c ")
    second, _, seconds = rest.partition("\n\n")
    assert first == "from second\n"
    assert second.endswith("\nfrom first")
    assert [line.partition(",")[2].partition(":")[0] for line in seconds.splitlines()] == [" exit code 0"] * 2


@pytest.mark.parametrize(("commands", "code"), [(("exit 3", "true"), 3), (("true", "exit 4"), 4), ((), 2)])
def test_a_command_that_fails_beside_others_is_told_by_the_exit_code(commands: tuple[str, ...], code: int) -> None:
    assert side_by_side(*commands).returncode == code


def test_what_failed_is_told_last(tmp_path: Path) -> None:
    """So even the end of a long output says what went wrong."""
    ran = side_by_side("seq 99; echo FAILED one; exit 3", "echo FAILED two; exit 4", "seq 99")
    end = ran.stdout.rpartition(" exit code 0: ")[2].partition("\n\n")[2]
    assert end.startswith("The end of what failed with 3:\n89\n")
    assert end.endswith("99\nFAILED one\n\nThe end of what failed with 4:\nFAILED two\n")


@pytest.mark.parametrize("started", [[], ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]], ids=["plainly", "behind"])
def test_whoever_is_stopped_stops_all_that_ran_side_by_side(started: list[str]) -> None:
    """The signal comes twice, as from timeout(1).

    Seen failing without a handler of SIGINT, for commands that a shell has started in the background.
    """
    words = [word for _ in range(2) for word in (":::", "sh", "-c", "sleep 100; true")]
    running = subprocess.Popen([*started, sys.executable, "tools/side_by_side.py", *words], cwd=ROOT)

    def are_asleep() -> bool:
        """Whether both commands sleep. A shell forgets a signal that comes just before it starts its command."""
        return sorted(one.name() for one in psutil.Process(running.pid).children(recursive=True))[2:] == ["sleep"] * 2

    wait_until(are_asleep, what="both commands to sleep")
    family = psutil.Process(running.pid).children(recursive=True)
    running.terminate()
    running.terminate()
    assert running.wait(10) == 143
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_what_has_just_started_is_stopped_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen failing when the signal is handled at once: the command that has just been started is not yet known."""
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def start_and_be_stopped(*args: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(start(*args, **options))
        signal.raise_signal(signal.SIGTERM)
        return started[-1]

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(subprocess, "Popen", start_and_be_stopped)
    try:
        with pytest.raises(SystemExit) as stopped:
            main([":::", "sleep", "100", ":::", "sleep", "100"])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert stopped.value.code == 143
    assert [one.returncode for one in started] == [-signal.SIGINT]


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
