"""Build the wheel, check its contents, and use it as a host site would.

The host site has an empty environment and only the settings that the wheel needs.
"""

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

SETTINGS: Final = """
SECRET_KEY = "only-for-this-check"
USE_TZ = True
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
INSTALLED_APPS = [
    "daphne",
    "channels",
    "calendar_live",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages",
        ]},
    }
]
STATIC_URL = "static/"
ASGI_APPLICATION = "asgi.application"
"""
URLS: Final = """
from django.urls import include, path
urlpatterns = [path("", include("calendar_live.urls"))]
"""
WALK: Final = """
import importlib, pkgutil, django
django.setup()
import calendar_live
assert "site-packages" in calendar_live.__file__, calendar_live.__file__
names = [module.name for module in pkgutil.walk_packages(calendar_live.__path__, "calendar_live.")]
for name in names:
    importlib.import_module(name)
from django.contrib.staticfiles import finders
assert finders.find("calendar_live/dist/page.js"), "the built front end is not found"
print(f"{len(names)} modules import with Django {django.__version__}.")
"""


def run(*command: str | Path, **options: object) -> None:
    """Run a command and print the last line of its output. If it fails, exit with the whole output."""
    ran = subprocess.run(command, capture_output=True, text=True, **options)  # type: ignore[call-overload]  # passed on
    if ran.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{ran.stdout}{ran.stderr}")
    last_line = ran.stdout.strip().rpartition("\n")[2]
    if last_line:
        print(last_line)


def complaints(wheel: Path) -> list[str]:
    """Return what is wrong with the contents of a wheel."""
    names = zipfile.ZipFile(wheel).namelist()
    wanted = ["calendar_live/py.typed", "calendar_live/static/calendar_live/dist/page.js"]
    unwanted = [name for name in names if not re.match(r"calendar_live(-[\w.]+\.dist-info)?/", name)]
    unwanted += [name for name in names if name.endswith(".map") or "node_modules" in name or "/tests/" in name]
    return [f"{name} is missing" for name in wanted if name not in names] + [f"{name} is in it" for name in unwanted]


def constraints(lock: Path) -> str:
    """Return the locked versions without their hashes, because with hashes pip would require one for the wheel, too."""
    return "\n".join(re.findall(r"^\w.*(?= \\$)", lock.read_text(), re.MULTILINE))


def main() -> int:
    """Return 0 if the wheel is complete and works."""
    with tempfile.TemporaryDirectory(prefix="calendar-live-wheel-") as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
        wheel = next(folder.glob("*.whl"))
        found = complaints(wheel)
        if found:
            print(f"{wheel.name}: " + "; ".join(found))
            return 1
        python = folder / "venv" / "bin" / "python"
        (folder / "constraints.txt").write_text(constraints(ROOT / "requirements" / "run.txt"))
        run(sys.executable, "-m", "venv", folder / "venv")
        run(python, "-m", "pip", "install", "-q", "-c", folder / "constraints.txt", wheel)
        host = folder / "host"
        host.mkdir()
        (host / "settings.py").write_text(SETTINGS)
        (host / "urls.py").write_text(URLS)
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(host)}
        run(python, "-c", WALK, cwd=host, env=environ)
        run(python, "-m", "django", "check", cwd=host, env=environ)
        run(python, "-m", "django", "migrate", "--verbosity", "0", cwd=host, env=environ)
    print("The wheel holds its front end, and works in an empty environment.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
