"""Logs a failure that many sockets share once, and how often it occurred."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from .loops import one_per_loop

# A database that is away fails each of 1,000 sockets at its heartbeat: 40 tracebacks a second.
_PAUSE_SECONDS: Final = 10.0

# How often each failure occurred in the last while, by the text and the failure that were logged first.
_heard: Final[Callable[[], Counter[tuple[str, str]]]] = one_per_loop(Counter)


def complain(logger: logging.Logger, text: str, failure: Exception) -> None:
    """Log a failure with its traceback. Equal ones are counted for a while, and then logged as one line."""
    heard = _heard()
    kind = text, f"{type(failure).__name__}: {failure}"
    heard[kind] += 1
    if heard[kind] == 1:
        logger.error(text, exc_info=failure)
        asyncio.get_running_loop().call_later(_PAUSE_SECONDS, _sum_up, logger, heard, kind)


def _sum_up(logger: logging.Logger, heard: Counter[tuple[str, str]], kind: tuple[str, str]) -> None:
    more = heard.pop(kind) - 1
    if more:
        text, failure = kind
        logger.error("%s: %d times more in %g s: %s", text, more, _PAUSE_SECONDS, failure)
