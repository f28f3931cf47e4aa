"""Writes the catalogue in the format of gettext's tools. Translators copy it to begin a language."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from .texts import Message

# The catalogue has no date and no line numbers, so that it changes only when a text or its file changes.
_HEADER: Final = """\
# Every text of calendar_live that people can see. Written by `make docs`; CONTRIBUTING.md says how to add a language.
msgid ""
msgstr ""
"Project-Id-Version: calendar_live\\n"
"Language: en\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"""


def written(found: Mapping[str, Sequence[Message]]) -> str:
    """Return the catalogue of the messages of each file. A message is placed with the first file that has it."""
    places: dict[Message, list[str]] = {}
    for name in sorted(found):
        for message in dict.fromkeys(found[name]):
            places.setdefault(message, []).append(name)
    return "\n".join([_HEADER, *(_entry(message, names) for message, names in places.items())])


def _entry(message: Message, names: Sequence[str]) -> str:
    lines = [f"#: {name}" for name in names]
    if kind := _kind_of(message.text + message.plural):
        lines.append(f"#, {kind}")
    if message.context:
        lines.append(f"msgctxt {_quoted(message.context)}")
    lines.append(f"msgid {_quoted(message.text)}")
    if message.plural:
        lines += [f"msgid_plural {_quoted(message.plural)}", 'msgstr[0] ""', 'msgstr[1] ""', ""]
    else:
        lines += ['msgstr ""', ""]
    return "\n".join(lines)


def _kind_of(text: str) -> str:
    """Return the format flag by which gettext's tools check that a translation names the same values."""
    if re.search(r"%\(\w+\)[a-z]", text):
        return "python-format"
    return "python-brace-format" if re.search(r"\{\w+\}", text) else ""


def _quoted(text: str) -> str:
    """Return a text as gettext quotes it. Each of its lines is quoted on a line of its own."""
    parts = [json.dumps(line, ensure_ascii=False) for line in text.splitlines(keepends=True)]
    return parts[0] if len(parts) == 1 else "\n".join(['""', *parts])
