"""Answers a subscribe (S3) in stages. Each stage is one await of the real hub, and anything may happen between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.model.database import CannotCalculate, Database
from tests.model.rules import Rules
from tests.model.sockets import Member, Served, Task, is_behind
from tests.model.values import Refused, Subscribed

if TYPE_CHECKING:
    from tests.model.hub import Hub

# The stages between which the real hub may await. "bring up" is part of the later of "register" and "authorise".
ORDER = ("begin", "register", "authorise", "bring up", "read", "live")
ORDER_OF_OLD = ("begin", "authorise", "register", "bring up", "read", "live")
ORDER_TOO_LATE = ("begin", "authorise", "read", "register", "bring up", "live")


def first_stage(rules: Rules) -> str:
    """Return the first stage of the answer to a subscribe."""
    return _after(rules, "begin")


def advance(hub: Hub, task: Task, db: Database) -> None:
    """Do the next stage of a subscribe: register, authorise, read what was missed, or go live (S3)."""
    after = _STAGES[task.stage](hub, task, db)
    if after is not None:
        task.stage = after
    else:
        hub.tasks = [one for one in hub.tasks if one is not task]
    for socket in hub.sockets:
        hub.begin_next(socket)


def _register(hub: Hub, task: Task, db: Database) -> str | None:
    """Buffer deliveries from now on, and notice changes of the user's rights."""
    calendar = task.frame.calendar
    if calendar not in hub.served:
        hub.served[calendar] = Served(db.head(calendar))
    task.member = Member(task.socket, task.access)
    hub.served[calendar].members[task.socket] = task.member
    return _bring_up(hub, task, db) if task.access else _after(hub.rules, "register")


def _authorise(hub: Hub, task: Task, db: Database) -> str | None:
    place = db.standing(task.socket.user, task.frame.calendar)
    if place is None:
        hub.forget(task.frame.calendar, task.socket)
        task.socket.push(Refused(task.frame.id, task.frame.calendar))
        return None
    task.access, task.seen = place
    if task.member is None:
        return _after(hub.rules, "authorise")
    task.member.access = task.access
    return _bring_up(hub, task, db)


def _bring_up(hub: Hub, task: Task, db: Database) -> str | None:
    """Bring the hub's head up to the state that was read, and verify the access of the client's picture."""
    calendar, member = task.frame.calendar, task.member
    assert member is not None
    assert task.seen is not None
    served = hub.served.get(calendar)
    if served is None or served.members.get(task.socket) is not member:
        return None  # void after a reset
    if not hub.rules.waits_during_replay:
        member.waiting = None
    if hub.rules.hub_brought_up and is_behind(served.head, task.seen):
        hub.catch_up(calendar, db)
    if served.members.get(task.socket) is not member:
        return None  # the catch-up ended in a reset
    if task.frame.state is not None and hub.rules.access_verified and task.frame.access != task.access:
        hub.reset(calendar, member, "rights")
        return None
    return _after(hub.rules, "bring up")


def _after(rules: Rules, stage: str) -> str:
    order = ORDER if rules.register_before_authorising else ORDER_OF_OLD
    order = order if rules.register_first else ORDER_TOO_LATE
    at = order.index(stage) + 1
    return order[at] if order[at] != "bring up" else order[at + 1]


def _read(hub: Hub, task: Task, db: Database) -> str | None:
    task.missed = []
    if task.frame.state is not None:
        try:
            task.missed = db.read_since(task.frame.calendar, task.frame.state, hub.rules)
        except CannotCalculate as failure:
            hub.witness(task.frame.calendar, task.frame.state, db)
            hub.reset(task.frame.calendar, task.member or Member(task.socket, None), str(failure))
            return None
    served = hub.served.get(task.frame.calendar)
    if served and task.missed and hub.rules.replay_brings_hub_up and is_behind(served.head, task.missed[-1].new):
        hub.catch_up(task.frame.calendar, db)
    return _after(hub.rules, "read")


def _live(hub: Hub, task: Task, db: Database) -> str | None:
    member, calendar = task.member, task.frame.calendar
    assert member is not None
    served = hub.served.get(calendar)
    if served is None or served.members.get(task.socket) is not member:
        return None  # replaced by a later subscribe, or void after a reset
    start = task.frame.state or served.head
    missed = list(task.missed or [])
    if not hub.rules.replay_by_rights_of_now and task.frame.access is not None:
        member.access = task.frame.access
    waiting, member.waiting = member.waiting or [], None
    for one in waiting:
        if one.old == (missed[-1].new if missed else start) or not hub.rules.hub_sends_once:
            missed.append(one)
    if not all(hub.send(member, change_set) for change_set in hub.told(calendar, missed)):
        return None
    member.access = task.access or member.access
    assert member.access is not None
    member.socket.push(Subscribed(task.frame.id, calendar, missed[-1].new if missed else start, member.access))
    return None


_STAGES = {"register": _register, "authorise": _authorise, "read": _read, "live": _live}
