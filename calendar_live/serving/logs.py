"""Removes tokens and search texts from every log record."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, Final

# What comes before a secret. Anybody can join or read with nothing but the token of an invitation or a public link. The
# token is in the path of its page or in a query, where HTML writes `&` as `&amp;`.
# A `=` comes first if the address or query is itself the value of a parameter. The admin passes on its search that way.
_BEFORE: Final = re.compile(r"(?<=/)(?:public|invitations)/+|[?&=](?:amp;)?(?:link|q)=", re.IGNORECASE)
# Blanks and quotes come first if the link was wrapped, or was pasted with them.
_IN_A_PATH: Final = re.compile(r"[\s\"'\0]*[^/?#&\s\"']*")
# A search text may contain any character in its encoded form, so it ends only at one that is not encoded.
_IN_A_QUERY: Final = re.compile(r"[\s\"]*[^&#\s\"]*")

_HEX: Final = frozenset("0123456789abcdefABCDEF")


def without_secrets(text: str) -> str:
    """Return a text for a log, with `…` in place of the secrets in its addresses.

    The addresses may be percent-encoded, any number of times.
    """
    plain, places = _decode(text)
    kept: list[str] = []
    done = 0
    for found in _BEFORE.finditer(plain):
        begin = places[found.end()]
        if begin < done:
            continue  # inside the last secret; a request could make it very slow to search for its end each time
        end = _end_of_secret(text, plain, places, found)
        if end > begin:
            kept += (text[done:begin], "…")
            done = end
    return "".join((*kept, text[done:]))


def _end_of_secret(text: str, plain: str, places: Sequence[int], before: re.Match[str]) -> int:
    """Return where in `text` the secret ends that begins after `before` in `plain`."""
    if before[0].endswith("="):
        found = _IN_A_QUERY.match(text, places[before.end()])
        return found.end() if found else 0
    found = _IN_A_PATH.match(plain, before.end())
    return places[found.end()] if found else 0


def _decode(text: str) -> tuple[str, Sequence[int]]:
    """Return a text with every layer of percent-encoding undone, and the place of each of its characters in `text`.

    The last place is the end of `text`. Every layer is undone, because it is not known how many are undone on the way:
    a proxy may turn `%2570ublic` into `%70ublic`, which Django turns into `public`. Decoded blanks and quotes do not
    end an address, unlike plain ones, so each of them becomes a NUL.
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
    """Remove secrets from a record: from each of its arguments or else its whole message, and from its traceback."""
    if isinstance(record.args, tuple):  # one by one, because some formatters need them, such as uvicorn's
        record.args = tuple(without_secrets(one) if isinstance(one, str) else one for one in record.args)
    try:
        text = record.getMessage()
    except Exception:  # its arguments do not fit, which its handler reports
        return record
    clean = without_secrets(text)
    if clean != text:
        record.msg, record.args = clean, ()
    if record.exc_info:
        traceback = logging.Formatter().formatException(record.exc_info)
        clean = without_secrets(traceback)
        if clean != traceback:
            record.exc_text = clean  # formatters use this in place of their own
    return record


def install() -> None:
    """Clean every log record that is made from now on, whatever handlers a site has."""
    make = logging.getLogRecordFactory()

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        return _clean(make(*args, **kwargs))

    logging.setLogRecordFactory(make_clean)
