"""Makes a site as the documents say: what Django's `startproject` and `startapp` write, with the documents' files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = ("models", "live", "apps", "services", "views")


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block_of(document: str, name: str) -> str:
    """Return the example in Python whose first line is a comment with this file name."""
    text = (ROOT / document).read_text()
    [found] = [block for block in blocks(text, "python") if block.startswith(f"# {name}\n")]
    return found


def script_tag() -> str:
    """Return the lines of a template that show a calendar by one script tag."""
    [found] = [one for one in blocks((ROOT / "docs/embedding.md").read_text(), "html") if "data-live-calendar" in one]
    return found


def environ(host: Path) -> dict[str, str]:
    """Return the environment of the host's processes, which import calendar_live from this checkout."""
    known = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "DEBUG")}
    return known | {"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": f"{host}{os.pathsep}{ROOT}"}


def run(host: Path, *command: str, **more: str) -> str:
    """Run Python in the host's folder, and return its output. If Python fails, the assertion shows the output."""
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:calendar_live", *command],
        cwd=host,
        env=environ(host) | more,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def start_site(folder: Path) -> None:
    """Make the site `mysite` in a folder, as docs/embedding.md says."""
    run(folder, "-m", "django", "startproject", "mysite", ".", DJANGO_SETTINGS_MODULE="")
    site = folder / "mysite"
    with (site / "settings.py").open("a") as settings:
        settings.write(block_of("docs/embedding.md", "mysite/settings.py"))
    for name in ("urls", "asgi", "team"):
        (site / f"{name}.py").write_text(block_of("docs/embedding.md", f"mysite/{name}.py"))


def add_rooms(folder: Path) -> None:
    """Add the app `rooms` to the site, as docs/architecture.md says."""
    run(folder, "manage.py", "startapp", "rooms")
    for name in ROOMS:
        (folder / "rooms" / f"{name}.py").write_text(block_of("docs/architecture.md", f"rooms/{name}.py"))
    with (folder / "mysite/settings.py").open("a") as settings:
        settings.write('INSTALLED_APPS += ["rooms"]\n')


def create_user(folder: Path, name: str, password: str) -> None:
    """Answer the questions of `createsuperuser`."""
    command = ("manage.py", "createsuperuser", "--no-input", "--username", name, "--email", "", "--verbosity", "0")
    run(folder, *command, DJANGO_SUPERUSER_PASSWORD=password)
