"""The site's own settings as on a developer's machine, made quick: what pytest and mypy load."""

import atexit
import os
import tempfile
from pathlib import Path

os.environ.setdefault("DEBUG", "1")

from project.settings import *  # noqa: F403
from project.settings import DATABASES
from project.settings import INSTALLED_APPS as SITE_APPS
from project.settings import MIDDLEWARE as SITE_MIDDLEWARE

# A host site's model of its own: tests/test_foreign_source.py.
INSTALLED_APPS = [*SITE_APPS, "tests.foreign"]

# Hashing a password slowly is a virtue anywhere but here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# It is asynchronous alone, so that each request of a test client went through an event loop, and it looks at every static file
# whenever a client makes the middlewares anew: half of the time. Those that need the files ask a process of the site.
MIDDLEWARE = [name for name in SITE_MIDDLEWARE if not name.startswith("servestatic.")]

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file, as in production: in memory, threads share one cache, whose locks know no waiting. One for each run of the tests.
    _database = Path(tempfile.gettempdir()) / f"calendar-live-test-{os.getpid()}.sqlite3"
    DATABASES["default"]["TEST"] = {"NAME": _database}

    @atexit.register
    def _remove() -> None:
        """Remove what SQLite keeps beside the file, which Django removes, and the file that a late thread makes anew."""
        name = DATABASES["default"]["TEST"]["NAME"]  # of each process of pytest-xdist another
        for suffix in ("", "-wal", "-shm"):
            Path(f"{name}{suffix}").unlink(missing_ok=True)

else:
    DATABASES["default"]["ENGINE"] = "tests.postgres"
