"""Defines the rights classes, and redacts wires to what each of them may read. No other module redacts wires."""

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
# For calendars that do not know busy blocks. It is the same for everybody: our own client shows the word in its
# reader's language instead.
_BUSY_TITLE: Final = "Busy"
# The values that replace fields for receivers who may not read them.
_NO_PARENT: Final = {field.name: field.neutral for field in FIELDS if field.read_by == "full"}
_NO_PEOPLE: Final = {field.name: field.neutral for field in FIELDS if field.read_by == "shared"}
# The only fields that visitors are sent: a source's own fields may be about people.
_PUBLIC_FIELDS: Final = frozenset(field.name for field in FIELDS)


@dataclass(frozen=True, slots=True)
class Access:
    """A rights class, and the version of the membership or public link that it comes from: `"full.7"`.

    Any change of rights changes it.
    """

    rights: Rights
    version: int

    def __str__(self) -> str:
        return f"{self.rights}.{self.version}"

    @classmethod
    def parse(cls, token: str) -> Access:
        """Return the access that a token stands for. Raises Malformed."""
        match = _SHAPE.match(token)
        if match is None:
            raise Malformed("not_access", given=token[:60])
        rights = next(one for one in get_args(Rights) if one == match[1])
        return cls(rights, int(match[2]))


def reads_whole(visibility: str, rights: Rights) -> bool:
    """Whether a receiver with these rights reads items of this visibility as they are."""
    return rights == "full" or (rights in ("shared", "public") and visibility == "normal")


# The visibility of a log entry if the item is secret now, but receivers who may not know of it have seen it before.
JUST_HIDDEN: Final = "hidden"


def redact(wire: str, visibility: str, rights: Rights) -> str | None:
    """Return what a receiver with these rights may read of a wire, or None if they may not know of the item.

    `shared` reads normal items without their parent, and private items as "Busy". `public` reads the same, but nothing
    about people. `freebusy` reads all items as "Busy". None of the three may know of secret items.
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
