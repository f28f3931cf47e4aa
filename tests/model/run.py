"""Holds a run: the network, and what the steps store beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tests.model.database import Database
from tests.model.dice import Dice
from tests.model.network import Network
from tests.model.people import write_by_program


class Step(NamedTuple):
    """One event, with the seed of its random choices."""

    kind: str
    chance: int


@dataclass(slots=True)
class Run:
    """A network on which steps are carried out. A step that makes no sense at the moment does nothing."""

    net: Network
    keys: int = 0
    backup: Database | None = None
    replica: Database | None = None  # a copy of the database that lags behind, for feeds alone
    erred: bool = False  # something went wrong that only a heartbeat repairs

    def key(self) -> str:
        self.keys += 1
        return f"m{self.keys}"

    def connected(self, dice: Dice) -> int | None:
        open_ones = sorted(self.net.connections)
        return dice.pick(open_ones) if open_ones else None


def write_something(run: Run, dice: Dice) -> None:
    """Let a program write, without any screen."""
    request = write_by_program(run.net.server, dice, run.key())
    if request is not None:
        run.net.say(f"{request}: {run.net.server.write(request)}")
