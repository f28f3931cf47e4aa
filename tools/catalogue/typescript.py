"""Finds texts in TypeScript. There must be none, because scripts show the texts that the server wrote into the page."""

from __future__ import annotations

import re
from typing import Final

from .texts import Finding, has_letters, is_sentence

_TOKEN: Final = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/                                  # comments
    | (?P<literal> "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | `(?:\\.|[^`\\])*` )
    | (?<=[=(,:?&|!\[]) \s* /(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/   # a regular expression
    """,
    re.DOTALL | re.VERBOSE,
)
# Code before a text that is shown as it is, however short it is.
_SHOWN: Final = re.compile(
    r"""( \b(textContent|innerText|innerHTML|ariaLabel|placeholder|alt|busyTitle)\s*\+?= | \.title\s*=
        | \bsetAttribute\(\s*"(aria-label|title|alt|placeholder)",
        | \btoasts?\.(show|once|confirm|offer)\( | \b(alert|confirm|prompt)\( )\s*\Z""",
    re.VERBOSE,
)
# Code before a text that only developers read.
_FOR_DEVELOPERS: Final = re.compile(r"(\bError\(|\bconsole\.\w+\(|\bfault\()\s*\Z")
_DETAIL: Final = re.compile(r"\bdetail:\s*\Z")
# In the library, `detail` is for its callers, who word an error by its code, as the page does.
_LIBRARY: Final = ("client/", "core/", "fullcalendar/", "protocol/", "transport/")
# The only words that scripts themselves show. A page can replace them with `busyTitle` and `data-not-loaded`.
_KNOWN: Final = {
    ("client/live-reader.ts", "Busy"),
    ("embed/words.ts", "The calendar could not be loaded. Reload the page to try again."),
}
_IN_BRACES: Final = re.compile(r"\$\{[^{}]*\}")


def unmarked(source: str, name: str) -> list[Finding]:
    """Return the texts for people in a module. `name` is its path below frontend/src."""
    found = []
    for token in _TOKEN.finditer(source):
        literal = token["literal"]
        if literal is None:
            continue
        text = _IN_BRACES.sub("\u2022", literal[1:-1]) if literal[0] == "`" else literal[1:-1]
        before = source[max(0, token.start() - 80) : token.start()]
        if _is_for_people(text, before, name) and (name, text) not in _KNOWN:
            found.append(Finding(source.count("\n", 0, token.start("literal")) + 1, text))
    return found


def _is_for_people(text: str, before: str, name: str) -> bool:
    if _FOR_DEVELOPERS.search(before) or (name.startswith(_LIBRARY) and _DETAIL.search(before)):
        return False
    return has_letters(text) if _SHOWN.search(before) else is_sentence(text)
