"""Rights classes, and what each of them may read of an event object. The only place where wires are redacted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from ..errors import Malformed
from .fields import FIELDS
from .wires import bare, encode, whole

Rights = Literal["full", "shared", "public", "freebusy"]
Visibility = Literal["normal", "private", "secret"]

_SHAPE = re.compile(r"(full|shared|public|freebusy)\.([0-9]{1,18})\Z")
_BUSY_FIELDS: Final = tuple(field.name for field in FIELDS if field.read_by == "busy")
# For calendars that know nothing of ours. The same for everybody: our own client says it in its reader's language.
_BUSY_TITLE: Final = "Busy"
# What is said in place of a field to receivers who may not read it as it is.
_NO_PARENT: Final = {field.name: field.neutral for field in FIELDS if field.read_by == "full"}
_NO_PEOPLE: Final = {field.name: field.neutral for field in FIELDS if field.read_by == "shared"}
# What may be told to anybody: what a source adds of its own may be about people.
_PUBLIC_FIELDS: Final = frozenset(field.name for field in FIELDS)


@dataclass(frozen=True, slots=True)
class Access:
    """A rights class and the version of the membership or public link that grants it: `"full.7"`. Any change of rights changes it."""

    rights: Rights
    version: int

    def __str__(self) -> str:
        return f"{self.rights}.{self.version}"

    @classmethod
    def parse(cls, token: str) -> Access:
        """Return the access a token stands for. Raises Malformed."""
        match = _SHAPE.match(token)
        if match is None:
            raise Malformed("not_access", given=token[:60])
        rights = next(one for one in get_args(Rights) if one == match[1])
        return cls(rights, int(match[2]))


def reads_whole(visibility: str, rights: Rights) -> bool:
    """Whether a receiver with these rights reads items of this visibility as they are."""
    return rights == "full" or (rights in ("shared", "public") and visibility == "normal")


# Of a log entry: the item is secret now, and those who may not know of it have seen it before.
JUST_HIDDEN: Final = "hidden"


def redact(wire: str, visibility: str, rights: Rights) -> str | None:
    """Return what a receiver with these rights may read of a wire, or None when it may not know of it.

    `shared` reads normal items whole but for their parent, and private ones as "Busy"; `public` the same, and of people nothing;
    `freebusy` reads all as "Busy". Secret items are absent for all three.
    """
    if rights == "full":
        return bare(wire)
    if visibility in ("secret", JUST_HIDDEN):
        return None
    return encode(_share(whole(wire), visibility, rights))


def _share(event: dict[str, object], visibility: str, rights: Rights) -> dict[str, object]:
    if not reads_whole(visibility, rights):
        return {name: event[name] for name in _BUSY_FIELDS} | {"title": _BUSY_TITLE, "busy": True}
    if rights == "public":
        return {name: value for name, value in event.items() if name in _PUBLIC_FIELDS} | _NO_PARENT | _NO_PEOPLE
    return event | _NO_PARENT
