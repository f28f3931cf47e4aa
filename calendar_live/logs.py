"""Keeps the tokens of public links out of what Django logs of requests. Never drops a record."""

from __future__ import annotations

import logging
from typing import Final

from .receivers import without_tokens

# Whoever logs a request's path: Django's handler (refused and failed requests), and its server for development.
LOGGERS: Final = ("django.request", "django.server")


class _WithoutTokens(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(without_tokens(one) if isinstance(one, str) else one for one in record.args)
        return True


_FILTER: Final = _WithoutTokens()


def install() -> None:
    """Filter what those loggers say from now on."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
