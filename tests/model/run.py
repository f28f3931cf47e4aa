"""A run under way: the network and what the steps keep beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tests.model.database import Database
from tests.model.dice import Dice
from tests.model.network import Network
from tests.model.people import write_by_program


class Step(NamedTuple):
    """One event and the chance it is decided by."""

    kind: str
    chance: int


@dataclass(slots=True)
class Run:
    """A network on which steps are taken. Steps that make no sense at the moment do nothing."""

    net: Network
    keys: int = 0
    backup: Database | None = None
    replica: Database | None = None  # of the database, for feeds alone; it lags behind
    erred: bool = False  # something went wrong that only a heartbeat repairs

    def key(self) -> str:
        self.keys += 1
        return f"m{self.keys}"

    def connected(self, dice: Dice) -> int | None:
        open_ones = sorted(self.net.connections)
        return dice.pick(open_ones) if open_ones else None


def write_something(run: Run, dice: Dice) -> None:
    """Let a program write, past all screens."""
    request = write_by_program(run.net.server, dice, run.key())
    if request is not None:
        run.net.say(f"{request}: {run.net.server.write(request)}")
