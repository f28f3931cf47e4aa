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
# What a site may say while its database or its Redis is broken: each is one of these, and nothing else.
EXPLAINED: Final = (
    r"^(psycopg|django\.db)\.",
    r"^psycopg_pool\.",
    r"^redis\.exceptions\.",
    r"^(ConnectionError|ConnectionResetError|ConnectionRefusedError|BrokenPipeError)",
)


def tracebacks(log: str) -> list[str]:
    """Return what each traceback of a log ends with: of several in a chain, the last."""
    ends: list[str] = []
    inside = chained = False
    for line in log.splitlines():
        if line.startswith(_TRACEBACK):
            if chained:
                ends.pop()
            inside, chained = True, False
        elif line in _CHAINS:
            chained = True
        elif inside and line and not line[0].isspace():
            ends.append(line[:160])
            inside = False
    return ends


def counted(logs: Iterable[str]) -> Counter[str]:
    """Return how often each traceback came."""
    return Counter(end for log in logs for end in tracebacks(log))


def unexplained(counts: Counter[str]) -> dict[str, int]:
    """Return the tracebacks that no broken part explains."""
    return {end: count for end, count in counts.items() if not any(re.search(one, end) for one in EXPLAINED)}
