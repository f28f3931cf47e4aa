"""Tests that a host project works in a process of its own if it is written as the documents say, with their imports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]

# Every path that the documents have told hosts to use. None may be removed without an entry in the changelog.
PATHS: Final = [
    "calendar_live.access.User",
    "calendar_live.access.require_edit",
    "calendar_live.admin.KeepsOwners",
    "calendar_live.asgi.get_asgi_application",
    "calendar_live.backends.RefusesDemoPassword",
    "calendar_live.cache.BytesSerializer",
    "calendar_live.cache.MemoryCache",
    "calendar_live.changelog.AlreadyDone",
    "calendar_live.changelog.Change",
    "calendar_live.changelog.change",
    "calendar_live.changelog.change_committed",
    "calendar_live.changelog.heads",
    "calendar_live.changelog.read_since",
    "calendar_live.errors.Invalid",
    "calendar_live.live.consumer.UnknownPath",
    "calendar_live.middleware.AtOnce",
    "calendar_live.models.LiveModel",
    "calendar_live.models.Role",
    "calendar_live.reports.Report",
    "calendar_live.routing.websocket_urlpatterns",
    "calendar_live.schedule.ranges.format_instant",
    "calendar_live.schedule.ranges.format_time",
    "calendar_live.server.main",
    "calendar_live.services.accounts.delete_user",
    "calendar_live.services.calendars.create_calendar",
    "calendar_live.services.calendars.set_role",
    "calendar_live.services.work_items.create_item",
    "calendar_live.services.work_items.delete_item",
    "calendar_live.services.work_items.update_item",
    "calendar_live.sources.InvalidEvent",
    "calendar_live.sources.Source",
    "calendar_live.sources.register",
    "calendar_live.urls.urlpatterns",
]

# What the examples leave to the host: its database, its keys, and what every Django site has.
REST_OF_SETTINGS: Final = """
from pathlib import Path

SECRET_KEY = "only-for-this-test"
DEBUG = True
ROOT_URLCONF = "mysite.urls"
INSTALLED_APPS += ["django.contrib.admin", "rooms"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(__file__).parent / "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
    }
}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "calendar_live.backends.RefusesDemoPassword",
    "django.contrib.auth.backends.ModelBackend",
]
DEFAULT_EXCEPTION_REPORTER = "calendar_live.reports.Report"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
"""

ROOMS_APP: Final = """
from django.apps import AppConfig


class RoomsConfig(AppConfig):
    name = "rooms"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from . import live
"""

# Runs in the host's process: book a room, read the feed, cancel, and read both changes from the log.
VISIT: Final = """
from datetime import UTC, datetime

from calendar_live import changelog
from calendar_live.models import Calendar
from calendar_live.protocol.state import State
from calendar_live.services.calendars import create_calendar
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils.module_loading import import_string
from rooms.models import Booking
from rooms.services import book, cancel

ana = get_user_model().objects.create_user("ana", password="a long enough phrase")
calendar = create_calendar("Rooms", actor=ana)
start, end = datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2026, 11, 23, 10, tzinfo=UTC)
booking = Booking(room="Mayon", who="Rosa", start=start, end=end)
begun = str(calendar.state)
booked = book(calendar.pk, actor=ana, booking=booking)

browser = Client()
assert browser.login(username="ana", password="a long enough phrase")
feed = f"/calendar/api/calendars/{calendar.pk}/feed/?start=2026-11-23&end=2026-11-24"
[shown] = browser.get(feed).json()
assert (shown["title"], shown["state"]) == ("Mayon: Rosa", booked), shown

cancelled = cancel(calendar.pk, actor=ana, booking_id=booking.pk)
assert browser.get(feed).json() == []
told = changelog.read_since(str(calendar.pk), State.parse(begun), max_sets=10, max_bytes=10_000).change_sets
assert [str(one.new) for one in told] == [booked, cancelled], told
assert browser.get("/calendar/").status_code == 200
for path in PATHS:
    import_string(path)
print("the host works")
"""


def blocks_of(document: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


def block_of(document: str, name: str) -> str:
    """Return the example whose first line is a comment with this file name."""
    [found] = [block for block in blocks_of(document) if block.startswith(f"# {name}\n")]
    return found


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Write the example project of the documents, a site with the app `rooms`. Return its folder."""
    files = {
        "mysite/__init__.py": "",
        "mysite/settings.py": block_of("docs/embedding.md", "settings.py") + REST_OF_SETTINGS,
        "mysite/urls.py": block_of("docs/embedding.md", "urls.py"),
        "mysite/asgi.py": block_of("docs/embedding.md", "asgi.py"),
        "rooms/__init__.py": "",
        "rooms/apps.py": ROOMS_APP,
        **{
            f"rooms/{name}.py": block_of("docs/architecture.md", f"rooms/{name}.py")
            for name in ("models", "live", "services")
        },
        "visit.py": f"import django\n\ndjango.setup()\nPATHS = {PATHS!r}\n{VISIT}",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(host: Path, *command: str) -> str:
    """Run Python in the host's folder, and return its output. If Python fails, the assertion shows the output."""
    known = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "DEBUG")}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:calendar_live", *command],
        cwd=host,
        env=known | {"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": f"{host}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_host_written_as_the_documents_say_works(host: Path) -> None:
    """Seen failing without calendar_live/asgi.py."""
    run(host, "-m", "django", "check")
    run(host, "-m", "django", "makemigrations", "rooms", "--verbosity", "0")
    run(host, "-m", "django", "migrate", "--verbosity", "0")
    assert "the host works" in run(host, "visit.py")
    run(host, "-c", "import mysite.asgi; assert callable(mysite.asgi.application)")
    assert "daphne with an orderly end" in run(host, "-m", "calendar_live.server", "--help")


def test_every_path_that_the_documents_name_is_a_promise() -> None:
    """Seen failing with a path left out of the list."""
    texts = [path.read_text() for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])]
    named = {one for text in texts for one in re.findall(r"\bcalendar_live(?:\.[a-z_]+)+\.[A-Z]\w+", text)}
    imported = {
        f"{module}.{name.strip()}"
        for text in texts
        for module, names in re.findall(r"^from (calendar_live[\w.]*) import ([\w, ]+)", text, re.MULTILINE)
        for name in names.split(",")
        if module != "calendar_live"
    }
    assert sorted((named | imported) - set(PATHS)) == []
