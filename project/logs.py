"""Keeps secrets out of the log: addresses that open something to whoever knows them are written without their token."""

from __future__ import annotations

import logging
import re
from typing import Final

_TOKEN: Final = re.compile(r"/(invitations|public)/[^/\s\"']+")


class NoTokens(logging.Filter):
    """Writes `…` in place of the token of each address in a line."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        clean = _TOKEN.sub(r"/\1/…", text)
        if clean != text:
            record.msg, record.args = clean, ()
        return True
