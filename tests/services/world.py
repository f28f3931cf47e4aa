"""Creates a small world in which to test every service, and lists the services. A missing one fails the suite."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.core.management import call_command

import calendar_live.management.commands
import calendar_live.services
from calendar_live.models import Calendar, PublicLink, Role, WorkItem
from calendar_live.services import accounts, calendars, items, sharing
from tests.keeping import Kept
from tests.people import NINE, invite, make_calendar, make_item, make_link, make_user

# Services that only read.
READERS = {"is_refused", "find_invitation", "pending", "role_kept"}
# Modules of services/ that write nothing by themselves, the module that hosts import, and one that changes no view
# (tests/services/test_retention.py).
HELPERS = {"owners", "receipts", "retention", "roles", "telling", "texts", "work_items"}


@dataclass
class World:
    """A deleted calendar, and two with items that are normal, private, secret, deleted, assigned, or have children."""

    ana: User = field(default_factory=lambda: make_user("ana"))
    ben: User = field(default_factory=lambda: make_user("ben"))
    cara: User = field(default_factory=lambda: make_user("cara"))
    dan: User = field(default_factory=lambda: make_user("dan"))
    team: Calendar = field(init=False)
    other: Calendar = field(init=False)
    normal: WorkItem = field(init=False)
    private: WorkItem = field(init=False)
    secret: WorkItem = field(init=False)
    child: WorkItem = field(init=False)
    grandchild: WorkItem = field(init=False)
    gone: WorkItem = field(init=False)
    deletion: str = field(init=False)
    lost: Calendar = field(init=False)
    invited: sharing.Mailing = field(init=False)
    link: PublicLink = field(init=False)

    def __post_init__(self) -> None:
        self.team = make_calendar(self.ana, editor=self.ben, viewer=self.cara)
        self.other = make_calendar(self.ana, editor=self.ben, name="Holidays")
        self.normal = make_item(self.team, self.ben, assignee_keys=[str(self.ben.pk), str(self.cara.pk)])
        self.private = make_item(self.team, self.ana, title="Salary talk", visibility="private")
        self.secret = make_item(self.team, self.ana, title="Merger", visibility="secret")
        self.child = make_item(self.team, self.ben, title="Child", parent_id=self.normal.pk)
        self.grandchild = make_item(self.team, self.ben, title="Grandchild", parent_id=self.child.pk)
        self.gone = make_item(self.team, self.ana, title="Gone")
        make_item(self.other, self.ben, title="Elsewhere")
        sharing.transfer(self.other.pk, actor=self.ana, to=str(self.ben.pk))
        self.lost = make_calendar(self.ana, viewer=self.cara, name="Lost")
        calendars.delete_calendar(self.lost.pk, actor=self.ana)
        self.invited = invite(self.team, self.ana)
        self.link = make_link(self.other, self.ana)
        self.deletion = items.delete_item(self.team.pk, actor=self.ana, item_id=self.gone.pk).state

    @property
    def calendars(self) -> tuple[Calendar, ...]:
        return self.team, self.other, self.lost


the_world: Final = Kept(World)

Action = Callable[[World, UUID | None], Any]

_FIELDS = {"title": "New", "start": NINE, "end": NINE + timedelta(hours=2)}
_NEW = UUID("99999999-0000-4000-8000-000000000001")

# Service -> a call of it. The second argument is a mutation id, for services that take one.
ACTIONS: dict[str, Action] = {
    "create_item": lambda world, key: items.create_item(
        world.team.pk, actor=world.ben, item_id=_NEW, fields=_FIELDS | {"visibility": "private"}, mutation_id=key
    ),
    "create_items": lambda world, key: items.create_items(
        world.team.pk,
        actor=world.ben,
        items={uuid4(): _FIELDS, _NEW: _FIELDS | {"assignee_keys": [str(world.cara.pk)]}},
    ),
    "update_item": lambda world, key: items.update_item(
        world.team.pk,
        actor=world.ben,
        item_id=world.normal.pk,
        changes={"visibility": "secret", "assignee_keys": [str(world.ana.pk)]},
        expected_state=world.normal.state,
        mutation_id=key,
    ),
    "put_item, a new one": lambda world, key: items.put_item(
        world.team.pk, actor=world.ben, item_id=_NEW, fields=_FIELDS | {"visibility": "secret"}, mutation_id=key
    ),
    "put_item, one there is": lambda world, key: items.put_item(
        world.team.pk,
        actor=world.ben,
        item_id=world.secret.pk,
        fields=_FIELDS,
        expected_state=world.secret.state,
        mutation_id=key,
    ),
    "delete_item": lambda world, key: items.delete_item(
        world.team.pk, actor=world.ben, item_id=world.normal.pk, mutation_id=key
    ),
    "delete_item, children handed up": lambda world, key: items.delete_item(
        world.team.pk, actor=world.ben, item_id=world.child.pk, children="reparent", mutation_id=key
    ),
    "delete_items": lambda world, key: items.delete_items(
        world.team.pk, actor=world.ben, item_ids=[world.private.pk, world.child.pk], mutation_id=key
    ),
    "edit_items": lambda world, key: items.edit_items(
        world.team.pk,
        actor=world.ben,
        changes={
            one.pk: {"status": "completed", "visibility": "normal", "assignee_keys": []}
            for one in (world.private, world.secret, world.normal)
        },
        mutation_id=key,
    ),
    "restore_items": lambda world, key: items.restore_items(
        world.team.pk, actor=world.ben, item_ids=[world.gone.pk], expected_state=world.deletion, mutation_id=key
    ),
    "move_item": lambda world, key: items.move_item(
        world.team.pk, actor=world.ben, item_id=world.normal.pk, target_id=world.other.pk, mutation_id=key
    ),
    "create_calendar": lambda world, key: calendars.create_calendar("Third", actor=world.ben, mutation_id=key),
    "edit_calendar": lambda world, key: calendars.edit_calendar(
        world.team.pk, actor=world.ana, changes={"name": "Renamed", "color": "#00ff00"}, mutation_id=key
    ),
    "delete_calendar": lambda world, key: calendars.delete_calendar(world.other.pk, actor=world.ana, mutation_id=key),
    "set_role": lambda world, key: calendars.set_role(world.team, member=world.dan, role=Role.EDITOR),
    "remove_member": lambda world, key: calendars.remove_member(world.team, member=world.cara),
    "restore_calendar": lambda world, key: calendars.restore_calendar(world.lost.pk, actor=world.ana, mutation_id=key),
    "share, by name": lambda world, key: sharing.share(
        world.team.pk, actor=world.ana, to="dan", role=Role.VIEWER, mutation_id=key
    ),
    "share, by mail": lambda world, key: sharing.share(
        world.team.pk, actor=world.ana, to="new@example.org", role=Role.EDITOR, mutation_id=key
    ),
    "change_role": lambda world, key: sharing.change_role(
        world.team.pk, actor=world.ana, member=str(world.ben.pk), role=Role.FREEBUSY, mutation_id=key
    ),
    "remove": lambda world, key: sharing.remove(
        world.team.pk, actor=world.ana, member=str(world.ben.pk), mutation_id=key
    ),
    "leave": lambda world, key: sharing.leave(world.team.pk, actor=world.cara, mutation_id=key),
    "transfer": lambda world, key: sharing.transfer(
        world.team.pk, actor=world.ana, to=str(world.cara.pk), mutation_id=key
    ),
    "change_role, an offer": lambda world, key: sharing.change_role(
        world.team.pk, actor=world.ana, member=str(world.ben.pk), role=Role.OWNER, mutation_id=key
    ),
    "answer_offer": lambda world, key: sharing.answer_offer(
        world.other.pk, actor=world.ben, accept=True, mutation_id=key
    ),
    "send_again": lambda world, key: sharing.send_again(
        world.team.pk, actor=world.ana, invitation_id=world.invited.invitation.pk, mutation_id=key
    ),
    "mark_mailed": lambda world, key: sharing.mark_mailed(world.invited.invitation.pk, token=world.invited.token),
    "withdraw": lambda world, key: sharing.withdraw(
        world.team.pk, actor=world.ana, invitation_id=world.invited.invitation.pk, mutation_id=key
    ),
    "accept": lambda world, key: sharing.accept(world.invited.token, user=world.dan),
    "accept_as_new": lambda world, key: sharing.accept_as_new(
        world.invited.token, username="eve", name="Eve", password="a long enough phrase"
    ),
    "set_order": lambda world, key: sharing.set_order([world.other.pk], actor=world.ana, mutation_id=key),
    "create_account": lambda world, key: accounts.create_account(
        "eve", name="Eve", email="eve@example.org", password="a long enough phrase"
    ),
    "create_link": lambda world, key: sharing.create_link(
        world.team.pk, actor=world.ana, values={"name": "Website", "shows": "full"}, mutation_id=key
    ),
    "edit_link": lambda world, key: sharing.edit_link(
        world.other.pk,
        actor=world.ana,
        link_id=world.link.pk,
        changes={"name": "Poster", "shows": "freebusy"},
        mutation_id=key,
    ),
    "withdraw_link": lambda world, key: sharing.withdraw_link(
        world.other.pk, actor=world.ana, link_id=world.link.pk, mutation_id=key
    ),
    "ensure_user": lambda world, key: accounts.ensure_user("eve", password="demo", first_name="Eve"),
    "delete_user": lambda world, key: accounts.delete_user(world.ben),
}

COMMANDS: dict[str, Callable[[World], Any]] = {
    "import_holidays": lambda world: call_command("import_holidays", country="PH", years="2026", verbosity=0),
    "seed_demo": lambda world: call_command("seed_demo", verbosity=0),
}
# Commands that change no view.
READING_COMMANDS = {"reconnect_pages", "rewrite_wires", "upkeep", "verify_log"}


def all_services() -> dict[str, Callable[..., Any]]:
    """Return every service by its name.

    They are the public functions of each module of services/, and the functions that a package in it exports.
    """
    found: dict[str, Callable[..., Any]] = {}
    for info in iter_modules(calendar_live.services.__path__, "calendar_live.services."):
        if info.name.rpartition(".")[2] in HELPERS:
            continue
        loaded = import_module(info.name)
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            own = name in loaded.__all__ if info.ispkg else function.__module__ == info.name
            if own and not name.startswith("_") and name not in READERS:
                assert name not in found, name
                found[name] = function
    return found


SERVICES: Final = all_services()
WITH_MUTATION_ID = [
    name for name in ACTIONS if "mutation_id" in inspect.signature(SERVICES[name.partition(",")[0]]).parameters
]

# Services whose receipt is their change set.
WRITING_ITEMS = [name for name in WITH_MUTATION_ID if ".items." in SERVICES[name.partition(",")[0]].__module__]


def all_commands() -> set[str]:
    """Return the names of all management commands."""
    return {module.name for module in iter_modules(calendar_live.management.commands.__path__)}
