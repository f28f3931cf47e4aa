"""Settings for pytest and mypy: the site's own settings for a developer's machine, made faster."""

import atexit
import os
import tempfile
from pathlib import Path

os.environ.setdefault("DEBUG", "1")

from project.settings import *  # noqa: F403
from project.settings import DATABASES
from project.settings import INSTALLED_APPS as SITE_APPS
from project.settings import MIDDLEWARE as SITE_MIDDLEWARE

# A host site's own model, for tests/test_foreign_source.py.
INSTALLED_APPS = [*SITE_APPS, "tests.foreign"]

# Elsewhere, slow hashing protects passwords. Here it only takes time.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# ServeStatic's middleware took half of the time. It is only asynchronous, so each request of a test client needed an
# event loop, and it checks every static file whenever a client loads the middlewares. Tests that need static files
# request them from a process of the site.
MIDDLEWARE = [name for name in SITE_MIDDLEWARE if not name.startswith("servestatic.")]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: threads share an in-memory database's cache, and its locks do not wait. Each test run
    # has its own file.
    _database = Path(tempfile.gettempdir()) / f"calendar-live-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": _database}

    @atexit.register
    def _remove() -> None:
        """Remove SQLite's files beside the database, and the database, which a late thread can create again.

        Django has removed the database itself before.
        """
        name = DATABASES["default"]["TEST"]["NAME"]  # each process of pytest-xdist has its own
        for suffix in ("", "-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)

else:
    DATABASES["default"]["ENGINE"] = "tests.postgres"
