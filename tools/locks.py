"""Lock the requirements of pyproject.toml in requirements/*.txt, or check the locks, which must name no host."""

import difflib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
UV: Final = Path(sys.executable).with_name("uv")
COMPILE: Final = [
    *("pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-annotate", "--no-header", "--extra", "site"),
]
# The tests run with exactly the versions with which the site runs.
LOCKS: Final = {
    "requirements/run.txt": [],
    "requirements/test.txt": ["--group", "test", "--constraint", "requirements/run.txt"],
}


def compile_lock(lock: Path, options: list[str], *, upgrade: bool = False) -> None:
    """Write `lock`. Unless `upgrade` is set, versions that it already pins stay if possible."""
    arguments = [*COMPILE, *options, "pyproject.toml", "--output-file", str(lock)]
    subprocess.run(
        [UV, *arguments, *(["--upgrade"] if upgrade else [])], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )


def differences(name: str, options: list[str]) -> list[str]:
    """Return a unified diff of what compiling again would change, and each line that names a host."""
    current = (ROOT / name).read_text()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "lock.txt"
        shutil.copy(ROOT / name, fresh)
        compile_lock(fresh, options)
        diff = difflib.unified_diff(
            current.splitlines(), fresh.read_text().splitlines(), name, "compiled again", lineterm=""
        )
        return [*diff, *(f"{name} names a host: {line}" for line in current.splitlines() if re.search(r"\w://", line))]


def main(arguments: list[str]) -> int:
    """Lock, upgrade (`--upgrade`) or check (`--check`)."""
    if "--check" in arguments:
        found = [line for name, options in LOCKS.items() for line in differences(name, options)]
        print("\n".join([*found[:40], "The locks are stale: make lock"]) if found else "The locks are current.")
        return 1 if found else 0
    for name, options in LOCKS.items():
        compile_lock(ROOT / name, options, upgrade="--upgrade" in arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
