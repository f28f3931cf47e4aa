"""Defines messages and findings for all parts of the catalogue, and decides what looks like a text for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Message:
    """A text that is marked for translation."""

    text: str
    plural: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A text that people can see and that is not marked, or a mark that cannot be followed."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.line}: {self.text[:80]!r}"


_LETTER: Final = re.compile(r"[^\W\d_]")
_TWO_WORDS: Final = re.compile(r"[^\W\d_]{2,}\W*\s+\W*[^\W\d_]")
_ENDS: Final = re.compile(r"[.!?…:]\s*\Z")


def has_letters(text: str) -> bool:
    return _LETTER.search(text) is not None


def is_sentence(text: str) -> bool:
    """Return whether a text has two words, and begins or ends like a sentence. Keys, headers and SQL do not."""
    first = _LETTER.search(text)
    if first is None or _TWO_WORDS.search(text) is None:
        return False
    return first[0].isupper() or _ENDS.search(text) is not None
