"""Defines what a credential opens: its receiver, the calendars they may see, and until when."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic cannot read that of typing before Python 3.12

from ..access.receivers import Receiver
from ..protocol import frames

# The API's description shows the docstrings of fields.
_DOCUMENTED = ConfigDict(use_attribute_docstrings=True)


class Person(TypedDict):
    """A member, by the id and the name that other members see."""

    id: str
    name: str


@with_config(_DOCUMENTED)
class Offer(TypedDict):
    """Ownership that a member was offered and has not answered yet."""

    by: Person
    handsOver: bool
    """Whether the owner who offers it is an editor from then on."""


@with_config(_DOCUMENTED)
class CalendarView(TypedDict):
    """A calendar that you may see, and your role and rights in it."""

    id: str
    name: str
    color: str
    timeZone: str
    position: int
    role: str
    rights: str
    access: str
    state: str
    people: list[Person]
    sharing: int | None
    """For its owners: a number that changes with its members, roles, invitations and public links. Else null."""
    offer: Offer | None
    """Ownership that the receiver was offered, to be accepted or declined."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The calendars that a receiver may see, by id. `until`: when that ends by itself, by the monotonic clock."""

    receiver: Receiver
    calendars: dict[str, CalendarView] = field(default_factory=dict)
    until: float = math.inf

    @property
    def is_over(self) -> bool:
        """Whether this is a link that has ended. A user without calendars can still be signed in."""
        return self.receiver.kind == "link" and not self.calendars

    def accesses(self) -> dict[str, str]:
        """Return the access token of each calendar."""
        return {calendar: view["access"] for calendar, view in self.calendars.items()}

    def versions(self) -> dict[str, str]:
        """Return a short text for each calendar that changes with its view, except with its state.

        The state has frames of its own.
        """
        return {calendar: _version(view) for calendar, view in self.calendars.items()}


def _version(view: CalendarView) -> str:
    told = frames.calendar({name: value for name, value in view.items() if name != "state"})
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
