"""Makes things go wrong in a run.

Messages are lost, late or repeated, processes die, rights change, and databases are restored.
"""

from __future__ import annotations

from tests.model.dice import Dice
from tests.model.run import Run, write_something
from tests.model.server import CALENDARS, HUBS, USERS, RightsMessage
from tests.model.values import Rights


def lose_http(run: Run, dice: Dice) -> None:
    if run.net.http:
        run.net.lose(dice.pick(run.net.http))


def stale_http(run: Run, dice: Dice) -> None:
    if run.net.http:
        run.net.answer_from_cache(dice.pick(run.net.http))


def lose_layer(run: Run, dice: Dice) -> None:
    layer = run.net.server.layer
    if layer:
        message = dice.pick(layer)
        layer.remove(message)
        run.erred |= isinstance(message.content, RightsMessage)
        run.net.say(f"the layer loses {message}")


def err(run: Run, dice: Dice) -> None:
    run.erred |= run.net.err(dice)


def dead(run: Run, dice: Dice) -> None:
    number = run.connected(dice)
    if number is not None:
        run.erred = True
        run.net.lose_network(number)


def rights(run: Run, dice: Dice) -> None:
    choices: tuple[Rights | None, ...] = ("full", "full", "shared", "public", "freebusy", None)
    user, calendar, rights = dice.pick(USERS), dice.pick(CALENDARS), dice.pick(choices)
    run.net.say(f"{user} gets {rights} in {calendar}")
    run.net.server.give_rights(user, calendar, rights)


def restart(run: Run, dice: Dice) -> None:
    run.net.restart(dice.below(HUBS))


def prune(run: Run, dice: Dice) -> None:
    wanted = {one.request.key for client in run.net.clients for one in client.overlays.mutations}
    run.net.say("the log is pruned")
    run.net.server.db.prune(dice.pick(CALENDARS), 1 + dice.below(4), wanted)


def backup(run: Run, dice: Dice) -> None:
    run.backup = run.net.server.db.copy()
    run.net.say("the database is copied")


def restore(run: Run, dice: Dice) -> None:
    if run.backup is None:
        return
    lost, run.net.restored = run.net.server.db, True
    run.net.server.db = run.backup.copy()
    run.erred |= lost.places != run.backup.places  # nobody announces the rights that come back
    run.net.say(f"the database is put back: {[str(run.backup.head(c)) for c in CALENDARS]}")
    # The new history overtakes the lost one or stops anywhere before that, even at the same revision.
    calendar, overtakes = dice.pick(CALENDARS), dice.below(3) - 1
    for _ in range(dice.below(4) if dice.chance(2) else 12):
        if run.net.server.db.head(calendar).revision >= lost.head(calendar).revision + overtakes:
            return
        write_something(run, dice)


def replicate(run: Run, dice: Dice) -> None:
    run.replica = run.net.server.db.copy()
    run.net.say("the replica is brought up to date")


def cut(run: Run, dice: Dice) -> None:
    """Cut a connection, if possible in the middle of a change set."""
    amid = [n for n in sorted(run.net.connections) if any(r.part for r in run.net.clients[n].replicas.values())]
    number = dice.pick(amid) if amid else run.connected(dice)
    if number is not None:
        run.net.cut(number)
