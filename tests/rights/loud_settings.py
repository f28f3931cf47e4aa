"""Sets every logger of the site's production settings to DEBUG, for real processes in tests of logs."""

from typing import Any

from project.settings import *  # noqa: F403
from project.settings import LOGGING, STORAGES

_logging: dict[str, Any] = LOGGING
for _logger in (_logging["root"], *_logging["loggers"].values()):
    _logger["level"] = "DEBUG"

# The static files are not collected here, and no page needs them.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
