"""Run the tests on the newest Python of this machine, for which the locks choose a newer Django.

Only tests that may differ there are run; tests/legs.py decides which. The searches of hypothesis and of the model are
short, because `make test` runs the full ones.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SHOW: Final = "import django, sys; print(f'Python {sys.version.split()[0]}, Django {django.__version__}')"


def main() -> int:
    """Return pytest's exit code. If the machine has no newer Python, say so and return 0."""
    found = subprocess.run(["sh", "tools/find-python", "3.12", "or-pyenv"], cwd=ROOT, capture_output=True, text=True)
    newer = found.stdout.strip()
    if found.returncode:
        version = ".".join(map(str, sys.version_info[:2]))
        print(f"No Python 3.12 or newer is on this machine: only Python {version} was tested. Django 6 was NOT.")
        return 0
    lock = ROOT / "requirements" / "test.txt"
    version = Path(newer).resolve().name
    environment = ROOT / f".venv-{version}"
    python = environment / "bin" / "python"
    installed = environment / "installed.txt"
    if not installed.exists() or installed.read_text() != lock.read_text():
        subprocess.run([newer, "-m", "venv", environment], check=True)
        pip = ["-m", "pip", "install", "--disable-pip-version-check", "-qq", "--no-deps", "--require-hashes"]
        subprocess.run([python, *pip, "-r", lock], check=True)
        installed.write_text(lock.read_text())
    subprocess.run([python, "-c", SHOW], check=True)
    return subprocess.run(
        [
            python,
            "-m",
            "pytest",
            "--ignore=tests/e2e",
            "--ignore=tests/faults",
            "--newer-python",
            "-n2",
            "--dist=loadfile",
            "-p",
            "no:cacheprovider",
        ],
        cwd=ROOT,
        env={**os.environ, "VIRTUAL_ENV": str(environment), "HYPOTHESIS_PROFILE": "short", "MODEL_RUNS": "200"},
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
