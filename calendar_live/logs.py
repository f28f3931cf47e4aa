"""Keeps out of logs what nobody may read there: tokens in addresses, and what people search for. Never drops a record."""

from __future__ import annotations

import logging
import re
from typing import Final

# An invitation's token, or a public link's, is all one needs: to join, to look.
# Also where the sign-in goes on to: ?next=%2Finvitations%2F….
_IN_A_PATH: Final = re.compile(r"((?:/|%2F)(?:public|invitations)(?:/|%2F))[^/?#&%\s\"']+", re.IGNORECASE)
_IN_A_QUERY: Final = re.compile(r"([?&](?:link|q)=)[^&#\s\"']+")

# Whoever logs the address of a request: Django's handlers, its server for development, daphne's, and daphne.
LOGGERS: Final = (
    "django.request",
    "django.security.csrf",
    "django.server",
    "django.channels.server",
    "daphne.http_protocol",
    "daphne.ws_protocol",
)


def without_secrets(text: str) -> str:
    """Return a text for a log with `…` in place of the secrets in its addresses."""
    return _IN_A_PATH.sub(r"\1…", _IN_A_QUERY.sub(r"\1…", text))


class WithoutSecrets(logging.Filter):
    """Writes a record's message anew where it holds a secret; for a site's own handlers too, which hear of every logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):  # its arguments do not fit: for its handler to complain of
            return True
        clean = without_secrets(text)
        if clean != text:
            record.msg, record.args = clean, ()
        return True


_FILTER: Final = WithoutSecrets()


def install() -> None:
    """Filter what those loggers say from now on, whatever handlers a site has."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
