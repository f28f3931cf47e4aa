"""Write the catalogue of every text that people can see.

With `--check`, only check that the catalogue is current and that every text is marked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from django.conf import settings

from . import po, python, templates, typescript
from .texts import Message

ROOT: Final = Path(__file__).resolve().parents[2]
PATH: Final = Path("calendar_live/locale/en/LC_MESSAGES/django.po")
APP: Final = Path("calendar_live")
SCRIPTS: Final = Path("frontend/src")
# Sources of texts that only developers and operators read: commands, checks, the log of the live core, faults of a
# host's own models.
FOR_OPERATORS: Final = (
    *("calendar_live/management/", "calendar_live/migrations/", "calendar_live/live/"),
    *("calendar_live/checks.py", "calendar_live/changelog/verify.py", "calendar_live/protocol/wires.py"),
)


def files(root: Path, folder: Path, *endings: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file below a folder, in order."""
    for path in sorted((root / folder).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix in endings and "/static/" not in name:
            yield name, path.read_text(encoding="utf-8")


def catalogue(root: Path) -> str:
    """Return the catalogue of the texts that are marked."""
    found: dict[str, list[Message]] = {}
    for name, text in files(root, APP, ".py"):
        found[name] = list(python.messages(text))
    for name, text in files(root, APP / "templates", ".html", ".txt"):
        found[name] = list(templates.messages(text))
    return po.written(found)


def unmarked(root: Path) -> list[str]:
    """Return `file:line: text` of each text that people can see and that is not marked for translation."""
    told = []
    for name, text in files(root, APP, ".py"):
        if not name.startswith(FOR_OPERATORS):
            told += [f"{name}:{one}" for one in python.unmarked(text)]
    for name, text in files(root, APP / "templates", ".html", ".txt"):
        told += [f"{name}:{one}" for one in templates.unmarked(text, is_html=name.endswith(".html"))]
    for name, text in files(root, SCRIPTS, ".ts"):
        below = name.removeprefix(f"{SCRIPTS.as_posix()}/")
        told += [f"{name}:{one}" for one in typescript.unmarked(text, below)]
    return told


def complaints(root: Path) -> list[str]:
    """Return what is wrong with the texts of a repository."""
    found = [f"{one} is not marked for translation." for one in unmarked(root)]
    path = root / PATH
    if not path.exists() or path.read_text(encoding="utf-8") != catalogue(root):
        found.append(f"{PATH} is not current: run `make docs`.")
    return found


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Return 1 if the check finds something wrong, otherwise 0."""
    if not settings.configured:
        settings.configure()  # for the templates' lexer
    if "--check" not in arguments:
        (root / PATH).parent.mkdir(parents=True, exist_ok=True)
        (root / PATH).write_text(catalogue(root), encoding="utf-8")
        return 0
    found = complaints(root)
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
