"""Defines what can happen in a run, one function each. A step that makes no sense at the moment does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.model import mishaps
from tests.model.client import Client
from tests.model.dice import Dice
from tests.model.people import act
from tests.model.run import Run, write_something
from tests.model.server import CALENDARS, HUBS, USERS
from tests.model.settle import fire
from tests.model.values import RANGES


def _connect(run: Run, dice: Dice) -> None:
    closed = [n for n in range(len(USERS)) if n not in run.net.connections]
    if closed:
        run.net.connect(dice.pick(closed), dice.below(HUBS))


def _socket(run: Run, dice: Dice) -> bool:
    ready = [n for n, one in sorted(run.net.connections.items()) if one.socket.to_client or one.socket.to_server]
    if not ready:
        return False
    number = dice.pick(ready)
    socket = run.net.connections[number].socket
    for _ in range(1 + dice.below(3)):
        if socket.to_client and (dice.chance(2) or not socket.to_server):
            run.net.to_client(number)
        elif socket.to_server:
            run.net.to_server(number)
    return True


def _task(run: Run, dice: Dice) -> bool:
    ready = [(hub, task) for hub in run.net.server.hubs for task in hub.tasks]
    if ready:
        run.net.advance(*dice.pick(ready))
    return bool(ready)


def _http(run: Run, dice: Dice) -> bool:
    if run.net.http:
        source = run.replica if run.replica is not None and dice.chance(2) else None
        run.net.forward(dice.pick(run.net.http), source)
        return True
    return False


def _layer(run: Run, dice: Dice) -> bool:
    layer = run.net.server.layer
    if not layer:
        return False
    message = dice.pick(layer) if dice.chance(3) else layer[0]
    run.net.take(message)
    if dice.chance(10):
        layer.append(message)
    return True


_DELIVERIES: Final = (_socket, _task, _http, _layer)


def _deliver(first: int) -> Callable[[Run, Dice], None]:
    """Return the step that delivers one kind of thing or, if there is none, anything else that is under way."""

    def step(run: Run, dice: Dice) -> None:
        for offset in range(len(_DELIVERIES)):
            if _DELIVERIES[(first + offset) % len(_DELIVERIES)](run, dice):
                return

    return step


def _act(run: Run, dice: Dice) -> None:
    number = dice.below(len(USERS))
    client: Client = run.net.clients[number]
    if act(client, run.net.server, dice, run.key()):
        run.net.say(f"client {number} begins {client.overlays.mutations[-1].request}")
        run.net.touched(number)


def _show(run: Run, dice: Dice) -> None:
    number, calendar = dice.below(len(USERS)), dice.pick(CALENDARS)
    ranges = [RANGES[dice.below(3)]] if dice.chance(2) else list(RANGES[: 1 + dice.below(3)])
    run.net.say(f"client {number} shows {ranges} of {calendar}")
    run.net.clients[number].show(calendar, ranges)
    run.net.touched(number)


def _search(run: Run, dice: Dice) -> None:
    number = dice.below(len(USERS))
    run.net.clients[number].search(dice.pick(CALENDARS), dice.pick(RANGES))
    run.net.touched(number)


def _timer(run: Run, dice: Dice) -> None:
    number = dice.below(len(USERS))
    running = [(c, t) for c, r in run.net.clients[number].replicas.items() for t in sorted(r.timers)]
    if running:
        fire(run.net, number, *dice.pick(running))


def _look(run: Run, dice: Dice) -> None:
    if run.net.rules.look:
        run.net.say("a hub looks at the heads")
        run.net.server.hubs[dice.below(HUBS)].look(run.net.server.db)


def _beat(run: Run, dice: Dice) -> None:
    number = run.connected(dice)
    if number is not None:
        run.net.beat(number)


# kind -> (weight, function)
STEPS: Final[dict[str, tuple[float, Callable[[Run, Dice], None]]]] = {
    "socket": (40, _deliver(0)),
    "task": (20, _deliver(1)),
    "http": (20, _deliver(2)),
    "layer": (16, _deliver(3)),
    "write": (8, write_something),
    "act": (8, _act),
    "show": (3, _show),
    "timer": (5, _timer),
    "connect": (4, _connect),
    "look": (3, _look),
    "lose_http": (2, mishaps.lose_http),
    "lose_layer": (3, mishaps.lose_layer),
    "stale_http": (2, mishaps.stale_http),
    "search": (1, _search),
    "cut": (2, mishaps.cut),
    "beat": (2, _beat),
    "err": (4, mishaps.err),
    "dead": (0.5, mishaps.dead),
    "rights": (2, mishaps.rights),
    "restart": (0.7, mishaps.restart),
    "prune": (0.7, mishaps.prune),
    "replicate": (4, mishaps.replicate),
    "backup": (1.5, mishaps.backup),
    "restore": (1, mishaps.restore),
}
