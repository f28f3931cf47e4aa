"""The site's settings in production, every logger of which says all it knows: for real processes in tests of logs."""

from typing import Any

from project.settings import *  # noqa: F403
from project.settings import LOGGING, STORAGES

_logging: dict[str, Any] = LOGGING
for _logger in (_logging["root"], *_logging["loggers"].values()):
    _logger["level"] = "DEBUG"

# Nobody collected the files here, and no page needs them.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
