"""Finds texts in templates: those that are marked, and those that people can see outside a mark.

It reads the templates with Django's own lexer.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from django.template.base import Lexer, Token, TokenType
from django.utils.translation.template import templatize

from .texts import Finding, Message, has_letters

# `templatize` writes each mark as a call of gettext, and replaces everything else with meaningless letters.
_CALL: Final = re.compile(r"\b(_|n?p?gettext)\((.*?)(?:,\s*count)?\) ", re.DOTALL)
_VISIBLE: Final = {"title", "alt", "placeholder", "aria-label", "aria-description", "label", "summary", "data-about"}
_BUTTONS: Final = {"submit", "button", "reset"}
_WITHOUT_TEXT: Final = {"script", "style", "code"}
# Names and the example of an address are the same in every language.
_KNOWN: Final = re.compile(r"\s*(·\s*)?calendar_live\s*|calendar|live|https://www\.example\.org")
_LITERAL: Final = re.compile(r"""=("[^"]*"|'[^']*')|:("[^"]*"|'[^']*')""")


def messages(source: str) -> Iterator[Message]:
    """Yield the marked messages of a template, in order."""
    for call in _CALL.finditer(templatize(source)):
        texts = ast.literal_eval(f"({call[2]},)")
        context = texts[0] if "p" in call[1].partition("gettext")[0] else ""
        text, *plural = texts[1:] if context else texts
        yield Message(text, plural[0] if plural else "", context)


def unmarked(source: str, *, is_html: bool = True) -> list[Finding]:
    """Return the texts of a template that people can see and that are not marked."""
    tokens = Lexer(source).tokenize()
    plain = "".join(_outside_marks(tokens))
    found = [*_literals(tokens), *(_Page(plain).found if is_html else _lines(plain))]
    return [one for one in found if _KNOWN.fullmatch(one.text) is None]


def _outside_marks(tokens: list[Token]) -> Iterator[str]:
    """Yield the text of a template, with a space for each tag and each mark. Line breaks stay."""
    ends = ""
    for token in tokens:
        if token.token_type == TokenType.BLOCK and not ends:
            ends = _end_of_untold(token.contents)
        elif token.token_type == TokenType.BLOCK and token.contents.split(None, 1)[0] == ends:
            ends = ""
        if token.token_type == TokenType.TEXT and not ends:
            yield token.contents
        else:
            yield " " + "\n" * token.contents.count("\n")


def _end_of_untold(tag: str) -> str:
    """Return the tag that ends a block whose content is marked or is not text (names of classes), otherwise nothing."""
    name, *rest = tag.split()
    if name in ("blocktranslate", "blocktrans", "comment"):
        return f"end{name}"
    return "endblock" if name == "block" and rest[0].endswith("_class") else ""


def _lines(text: str) -> list[Finding]:
    return [Finding(at, line.strip()) for at, line in enumerate(text.splitlines(), 1) if has_letters(line)]


def _literals(tokens: list[Token]) -> Iterator[Finding]:
    """Yield texts that tags pass on, as in `with title="New"` and `default:"None"`.

    Names of styles and icons are no texts; they begin with a lower-case letter.
    """
    for token in tokens:
        is_inclusion = token.token_type == TokenType.BLOCK and token.contents.startswith(("include ", "with "))
        if is_inclusion or token.token_type == TokenType.VAR:
            for literal in _LITERAL.finditer(token.contents):
                text = (literal[1] or literal[2])[1:-1]
                if has_letters(text) and (text[0].isupper() or " " in text):
                    yield Finding(token.lineno or 0, text)


class _Page(HTMLParser):
    """Collects the texts and the visible attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Finding] = []
        self._within: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _WITHOUT_TEXT:
            self._within.append(tag)
        named = dict(attrs)
        is_button = tag == "input" and named.get("type") in _BUTTONS
        shown = [value for name, value in attrs if name in _VISIBLE or (is_button and name == "value")]
        if tag == "meta" and named.get("name") == "description":
            shown.append(named.get("content"))
        self.found += [self._finding(value) for value in shown if value and has_letters(value)]

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if has_letters(data) and not self._within:
            self.found.append(self._finding(data))

    def _finding(self, text: str) -> Finding:
        return Finding(self.getpos()[0], " ".join(text.split()))
