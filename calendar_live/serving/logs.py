"""Remove tokens and search texts from every log record."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, Final

# An invitation's token, or a public link's, is all that joining or reading takes. In the path of its page, or in a query; `&amp;` is
# what `&` is in HTML.
# Behind `=` stands an address, or a query, within another: the admin carries its search along so.
_BEFORE: Final = re.compile(r"(?<=/)(?:public|invitations)/+|[?&=](?:amp;)?(?:link|q)=", re.IGNORECASE)
# Blanks and quotes before it are a link's that was wrapped, or pasted with them.
_IN_A_PATH: Final = re.compile(r"[\s\"'\0]*[^/?#&\s\"']*")
# What is searched for may hold anything, encoded: it ends where the query goes on in plain letters.
_IN_A_QUERY: Final = re.compile(r"[\s\"]*[^&#\s\"]*")

_HEX: Final = frozenset("0123456789abcdefABCDEF")


def without_secrets(text: str) -> str:
    """Return a text for a log with `…` in place of the secrets in its addresses, however often they are percent-encoded."""
    plain, places = _decode(text)
    kept: list[str] = []
    done = 0
    for found in _BEFORE.finditer(plain):
        begin = places[found.end()]
        if begin < done:
            continue  # within the last one; to look for its end each time would take as long as a request can make it
        end = _end_of_secret(text, plain, places, found)
        if end > begin:
            kept += (text[done:begin], "…")
            done = end
    return "".join((*kept, text[done:]))


def _end_of_secret(text: str, plain: str, places: Sequence[int], before: re.Match[str]) -> int:
    """Return where in `text` a secret ends that begins after `before` in `plain`."""
    if before[0].endswith("="):
        found = _IN_A_QUERY.match(text, places[before.end()])
        return found.end() if found else 0
    found = _IN_A_PATH.match(plain, before.end())
    return places[found.end()] if found else 0


def _decode(text: str) -> tuple[str, Sequence[int]]:
    """Return a text with every layer of percent-encoding undone, and the place in `text` of each of its characters and of its end.

    Of `%2570ublic`, a proxy makes `%70ublic`, and Django `public`: how many layers are undone on the way is anybody's guess.
    Decoded blanks and quotes end no address, as plain ones do: each is a NUL here.
    """
    if "%" not in text:
        return text, range(len(text) + 1)
    plain: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        plain.append(char)
        places.append(place)
        while plain[-3:-2] == ["%"] and _HEX.issuperset(plain[-2:]):
            decoded = chr(int("".join(plain[-2:]), 16))
            plain[-3:] = [decoded if decoded.isprintable() and decoded not in " \"'" else "\0"]
            del places[-2:]
    return "".join(plain), [*places, len(text)]


def _clean(record: logging.LogRecord) -> logging.LogRecord:
    """Write anew what a record says where it holds a secret: its texts, else its whole message, and its traceback."""
    if isinstance(record.args, tuple):  # one by one, for formatters that count on them, as uvicorn's do
        record.args = tuple(without_secrets(one) if isinstance(one, str) else one for one in record.args)
    try:
        text = record.getMessage()
    except Exception:  # its arguments do not fit: for its handler to complain of
        return record
    clean = without_secrets(text)
    if clean != text:
        record.msg, record.args = clean, ()
    if record.exc_info:
        traceback = logging.Formatter().formatException(record.exc_info)
        clean = without_secrets(traceback)
        if clean != traceback:
            record.exc_text = clean  # which formatters take in place of their own
    return record


def install() -> None:
    """Clean what any logger says from now on, whatever handlers a site has."""
    make = logging.getLogRecordFactory()

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _clean(make(*args, **kwargs))

    logging.setLogRecordFactory(make_clean)
