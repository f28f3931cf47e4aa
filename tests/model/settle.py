"""Ends a run: nobody writes any more, everything arrives, and all views must be right in bounded time (invariant 5)."""

from __future__ import annotations

from typing import Final

from tests.model.network import Network
from tests.model.server import HUBS, USERS
from tests.model.values import Violation


def fire(net: Network, number: int, calendar: str, timer: str) -> None:
    net.say(f"client {number}, calendar {calendar}: timer {timer}")
    net.clients[number].fire(calendar, timer)
    net.touched(number)


def settle(net: Network, *, erred: bool) -> None:
    """Let the run come to rest, and check that every view is right after a few head checks.

    If something `erred` that head checks do not show, views must be right only after a heartbeat.
    """
    for number in sorted(net.connections):
        if net.connections[number].socket.dead and net.rules.dead_sockets_found:
            net.cut(number)
    for number in range(len(USERS)):
        if number not in net.connections:
            net.connect(number, number % HUBS)
    rest(net, beats=False)
    if not erred:
        check_quiet(net)
    rest(net, beats=True)
    check_quiet(net)


def check_quiet(net: Network) -> None:
    for watch in net.watches:
        watch.check_quiet()
    for key, answer in net.first_answers.items():
        for calendar, state in answer.states if not net.restored else ():
            if not net.server.history.is_before(calendar, state, net.server.db.head(calendar)):
                raise Violation("8", f"{key} was answered {answer} and is in no history")


_ROUNDS: Final = 8
_EVENTS: Final = 3000


def rest(net: Network, *, beats: bool) -> None:
    """Deliver everything, check the heads and fire all timers, as many times as a working protocol may need."""
    for _ in range(_ROUNDS):
        before = _positions(net)
        if beats:
            for number in sorted(net.connections):
                net.beat(number)
        drain(net)
        net.look()
        for number, client in enumerate(net.clients):
            for calendar, replica in client.replicas.items():
                for timer in sorted(replica.timers):
                    fire(net, number, calendar, timer)
        drain(net)
        if _positions(net) == before:
            return


def _positions(net: Network) -> list[object]:
    """Return values that change as long as a client still does anything."""
    return [
        (replica.sequence, replica.generation, replica.cursor, frozenset(replica.timers), len(replica.asks))
        for client in net.clients
        for replica in client.replicas.values()
    ]


def drain(net: Network) -> None:
    """Deliver until nothing is under way."""
    for _ in range(_EVENTS):
        if not _deliver_one_of_each(net):
            return
    raise Violation("5", "it never comes to rest")


def _deliver_one_of_each(net: Network) -> bool:
    busy = False
    if net.server.layer:
        net.take(net.server.layer[0])
        busy = True
    for hub in net.server.hubs:
        if hub.tasks:
            net.advance(hub, hub.tasks[0])
            busy = True
    if net.http:
        net.forward(net.http[0])
        busy = True
    for number in sorted(net.connections):
        socket = net.connections[number].socket
        if socket.to_client:
            net.to_client(number)
            busy = True
        if socket.to_server:
            net.to_server(number)
            busy = True
    return busy
