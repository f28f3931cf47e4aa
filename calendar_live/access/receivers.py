"""Defines receivers: the users and public links that calendars are sent to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Receiver:
    """A user or a public link. Its text is the receiver's key, which is also the name of its Channels group."""

    kind: Literal["user", "link"]
    id: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.id}"

    def is_user(self, named: str | None) -> bool:
        """Whether this is the user that a page names as its own, if any. Another user may have signed in since."""
        return named is None or self == Receiver("user", named)


def link_receiver(link_id: UUID) -> Receiver:
    """Return a public link as a receiver."""
    return Receiver("link", str(link_id))
