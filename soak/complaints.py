"""What the processes of the site said in their logs: tracebacks by what they end with. Decides which a broken part explains."""

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
# What a site may say while its database, its Redis or the way to its pages is broken: each is one of these, and nothing else.
EXPLAINED: Final = (
    r"^(psycopg|django\.db)\.",
    r"^psycopg_pool\.",
    r"^redis\.exceptions\.",
    r"^(ConnectionError|ConnectionResetError|ConnectionRefusedError|BrokenPipeError)",
    r"(?s)channels_redis.*\nTimeoutError$",  # a Redis that is stopped is given up on in time
    r"^calendar_live\.live\.listener\.DeafError: ",  # so is a connection to it by which nothing comes any more
    r"listen_for_disconnect\(\)",  # Django's own: a page left in the moment it was answered
)


def tracebacks(log: str) -> list[tuple[str, str]]:
    """Return each traceback of a log: what it ends with, and all of it. Several in a chain are one, which ends as the last."""
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
    """Return how often each traceback came."""
    return Counter(end for log in logs for end, _ in tracebacks(log))


def unexplained(logs: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return the tracebacks that no broken part explains: what each ends with, how often it came, and the first of them."""
    found: dict[str, tuple[int, str]] = {}
    for log in logs:
        for end, text in tracebacks(log):
            if not any(re.search(one, end) or re.search(one, text) for one in EXPLAINED):
                count, first = found.get(end, (0, text))
                found[end] = (count + 1, first)
    return found
