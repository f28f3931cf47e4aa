"""Finds tracebacks in the logs of the site's processes, and decides which of them a broken part explains."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

_TRACEBACK: Final = "Traceback (most recent call last):"
_CHAINS: Final = {
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
}
# The tracebacks that a site may log while its database, its Redis or the connections to its pages are broken. Every
# traceback must match one of these.
EXPLAINED: Final = (
    r"^(psycopg|django\.db)\.",
    r"^psycopg_pool\.",
    r"^redis\.exceptions\.",
    r"^(ConnectionError|ConnectionResetError|ConnectionRefusedError|BrokenPipeError)",
    r"(?s)channels_redis.*\nTimeoutError$",  # the site gives up in time on a Redis that is stopped
    r"^calendar_live\.live\.listener\.DeafError: ",  # and on a connection through which nothing arrives
    r"listen_for_disconnect\(\)",  # Django's own, when a page leaves at the moment of its answer
)


def tracebacks(log: str) -> list[tuple[str, str]]:
    """Return (last line, whole text) of each traceback in a log. A chain of tracebacks counts as one."""
    found: list[tuple[str, list[str]]] = []
    inside = chained = False
    before = ""
    for line in log.splitlines():
        if line.startswith(_TRACEBACK):
            end, text = found.pop() if chained else ("", [before])
            found.append((end, [*text, line]))
            inside, chained = True, False
        elif line in _CHAINS:
            chained = True
        elif inside:
            text = found[-1][1]
            text.append(line)
            if line and not line[0].isspace():
                found[-1] = (line[:160], text)
                inside = False
        else:
            before = line
    return [(end, "\n".join(text)) for end, text in found]


def counted(logs: Iterable[str]) -> Counter[str]:
    """Return how often each traceback occurred, by its last line."""
    return Counter(end for log in logs for end, _ in tracebacks(log))


def unexplained(logs: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return the tracebacks that no broken part explains: last line -> their number, and the text of the first."""
    found: dict[str, tuple[int, str]] = {}
    for log in logs:
        for end, text in tracebacks(log):
            if not any(re.search(one, end) or re.search(one, text) for one in EXPLAINED):
                count, first = found.get(end, (0, text))
                found[end] = (count + 1, first)
    return found
