"""Makes and carries out one random run.

A seed gives a list of steps, and each step has a seed of its own, so that a run can be repeated and shortened.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from tests.model.dice import Dice
from tests.model.network import Network
from tests.model.rules import ALL, Rules
from tests.model.run import Run, Step, write_something
from tests.model.server import CALENDARS, HUBS, USERS
from tests.model.settle import drain, settle
from tests.model.steps import STEPS
from tests.model.values import RANGES, Access, Rights

LOOKING: Final[tuple[Rights, ...]] = ("shared", "public", "freebusy")
_OFTEN: Final = frozenset({"socket", "task", "http", "layer", "write", "act", "timer", "connect", "show", "backup"})
# Factors for the weights of steps. With them, some runs have more of those steps that would otherwise rarely meet.
_PROFILES: Final[tuple[dict[str, float], ...]] = (
    {},
    {},
    {"backup": 3, "restore": 5, "lose_layer": 4, "write": 0.6, "look": 0.3},
    {"timer": 3, "beat": 4, "err": 3, "rights": 3, "task": 0.4, "write": 2},
    {"cut": 4, "connect": 2, "restart": 3, "prune": 4, "restore": 3, "socket": 0.6},
)


def steps_of(seed: int) -> list[Step]:
    """Return the steps of a run. Each run leaves out some of the rarer kinds, so that the others meet more often."""
    chance = random.Random(seed)
    profile = chance.choice(_PROFILES)
    kinds = [k for k in STEPS if k in _OFTEN or chance.random() < (0.9 if k in profile else 0.5)]
    weights = [STEPS[k][0] * profile.get(k, 1) * chance.choice((0.2, 0.5, 1, 1, 2)) for k in kinds]
    length = chance.randint(20, 220)
    return [Step(kind, chance.getrandbits(40)) for kind in chance.choices(kinds, weights, k=length)]


def walk(steps: Sequence[Step], rules: Rules = ALL, say: Callable[[str], None] | None = None) -> None:
    """Carry out steps, then let everything come to rest. Raises Violation."""
    taken = Run(Network(rules, say or (lambda text: None)))
    _begin(taken, Dice(len(steps)))
    for step in steps:
        STEPS[step.kind][1](taken, Dice(step.chance))
    settle(taken.net, erred=taken.erred)


def _begin(taken: Run, dice: Dice) -> None:
    """Create some items and open the pages. In most runs, all pages are live before the first step."""
    net = taken.net
    if dice.chance(3):  # one user may only read, as with a public link
        access = Access(dice.pick(LOOKING), 1)
        net.server.db.places |= {(USERS[-1], calendar): access for calendar in CALENDARS}
    for _ in range(4):
        write_something(taken, dice)
    for number, client in enumerate(net.clients):
        for calendar in CALENDARS:
            client.show(calendar, [RANGES[number % 3], RANGES[1]])
        net.connect(number, number % HUBS)
    if not dice.chance(4):
        drain(net)
