"""Tests that pushes to each rights class equal a fresh feed to the byte, while items and rights change at random."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calendar_live.access import standings
from calendar_live.access.credentials import link_token
from calendar_live.access.receivers import link_receiver
from calendar_live.models import Calendar, PublicLink, Role
from calendar_live.services.calendars import set_role
from calendar_live.services.sharing import edit_link
from tests.feeds import DAY, HOUR, WEEK
from tests.live.pages import in_thread
from tests.live.sockets import PATIENCE, Open, Socket
from tests.people import make_link
from tests.steps import take

pytestmark = pytest.mark.django_db(transaction=True)

WINDOW: Final = {"start": "2026-09-01", "end": "2027-03-01"}
CHANGED: Final = {"cara": (Role.VIEWER, Role.EDITOR, Role.FREEBUSY), "link": ("full", "freebusy")}
_read: Final = json.JSONDecoder().raw_decode


def raw_items(text: str, at: int) -> Iterator[tuple[str, str]]:
    """Yield (id, exact text) for each item of the JSON array that begins at index `at`."""
    at += 1
    while text[at] != "]":
        item, end = _read(text, at)
        yield item["id"], text[at:end]
        at = end + (text[end] == ",")


class Picture:
    """One receiver's picture of a calendar, as text: a fresh feed, then the frames that are pushed."""

    def __init__(self, who: User | PublicLink, socket: Socket, calendar: Calendar) -> None:
        self.who, self.calendar = who, calendar
        self.items: dict[str, str] = {}
        self.classes: set[str] = set()
        self._socket = socket
        self._client: Client | None = None
        self._state = ""
        self._number = 0

    async def start(self) -> None:
        """Subscribe and load the feed, as a page does first and after each reset."""
        self._number += 1
        await self._socket.subscribe(self.calendar.pk, number=self._number)
        while (frame := json.loads(await self._socket.receive_from(PATIENCE)))["type"] != "subscribed":
            pass
        self._state = frame["state"]
        self.classes.add(frame["access"].partition(".")[0])
        self.items = await in_thread(self.fresh)

    def fresh(self) -> dict[str, str]:
        """Return a fresh feed."""
        text = self._ask("feed", WINDOW)
        return dict(raw_items(text, 0))

    def folded(self, since: str) -> dict[str, str]:
        """Return the items that `changes` returns since a state at which there was none."""
        text = self._ask("changes", {"since": since})
        assert json.loads(text)["hasMore"] is False
        return dict(raw_items(text, text.index('"upserted":[') + len('"upserted":')))

    def _ask(self, what: str, query: dict[str, str]) -> str:
        self._client = self._client or self._signed_in()
        answer = self._client.get(f"/api/calendars/{self.calendar.pk}/{what}/", query)
        assert answer.status_code == 200
        return answer.content.decode()

    def _signed_in(self) -> Client:
        if isinstance(self.who, PublicLink):
            return Client(headers={"Authorization": f"Link {link_token(self.who.pk).token}"})
        client = Client()
        client.force_login(self.who)
        return client

    async def follow(self, state: str) -> None:
        """Take the frames that are pushed, up to a state."""
        while self._state != state:
            await self._take(await self._socket.receive_from(PATIENCE))

    async def await_reset(self) -> None:
        """Take the frames that are pushed, up to the reset that follows a change of rights, and start anew."""
        number = self._number
        while self._number == number:
            await self._take(await self._socket.receive_from(PATIENCE))

    async def _take(self, text: str) -> None:
        frame: dict[str, Any] = json.loads(text)
        if frame["type"] == "reset":
            await self.start()
        elif frame["type"] == "changes":
            assert frame["oldState"] == self._state
            self.items |= dict(raw_items(text, text.index('"upserted":[') + len('"upserted":')))
            for item in frame["destroyed"]:
                self.items.pop(item, None)
            self._state = frame["newState"]


def step(dice: random.Random, calendar: Calendar, ana: User) -> None:
    """Change some items at random."""
    kind = dice.choice(["create", "create", "create", "update", "update", "edit", "delete", "restore"])
    span = (WEEK.start + dice.randrange(-100, 200) * HOUR, dice.choice([timedelta(0), HOUR, DAY, 3 * DAY]))
    visibility = dice.choice(["normal", "normal", "private", "secret"])
    take((kind, dice.randrange(6), span, visibility, dice.random() < 0.5), calendar, ana)


def change_rights(dice: random.Random, calendar: Calendar, ana: User, cara: User, link: PublicLink) -> str | None:
    """Change the member's role, or what the link shows. Return whose access changed, if any did."""
    who = dice.choice(sorted(CHANGED))
    receiver = cara if who == "cara" else link_receiver(link.pk)
    before = standings(receiver)[0].access
    if who == "cara":
        set_role(calendar, member=cara, role=Role(dice.choice(CHANGED["cara"])))
    else:
        edit_link(calendar.pk, actor=ana, link_id=link.pk, changes={"shows": dice.choice(CHANGED["link"])})
    return who if standings(receiver)[0].access != before else None


@pytest.mark.parametrize("seed", range(4))
async def test_what_each_rights_class_is_pushed_is_its_fresh_feed_to_the_byte(
    seed: int, open_socket: Open, team: Calendar, ana: User, cara: User, dan: User
) -> None:
    """Invariants 2 and 7, for members and links.

    Seen failing when links get the pushes of members, when a push encodes wires anew, and when a change of rights does
    not reset pages.
    """
    dice = random.Random(seed)
    start = str((await in_thread(Calendar.objects.get, pk=team.pk)).state)
    await in_thread(set_role, team, member=dan, role=Role.FREEBUSY)
    link, busy = await in_thread(make_link, team, ana), await in_thread(make_link, team, ana, shows="freebusy")
    pictures: dict[str, Picture] = {}
    for name, who in (("ana", ana), ("cara", cara), ("dan", dan), ("link", link), ("busy", busy)):
        path = f"/ws/?link={link_token(who.pk).token}" if isinstance(who, PublicLink) else "/ws/"
        socket = await open_socket(None if isinstance(who, PublicLink) else who, path=path)
        pictures[name] = Picture(who, socket, team)
        await pictures[name].start()
    for _ in range(30):
        if dice.random() < 0.25:
            whose = await in_thread(change_rights, dice, team, ana, cara, link)
            if whose is not None:
                await pictures[whose].await_reset()
        else:
            await in_thread(step, dice, team, ana)
        head = str((await in_thread(Calendar.objects.get, pk=team.pk)).state)
        for name, picture in pictures.items():
            await picture.follow(head)
            assert picture.items == await in_thread(picture.fresh), name
    for name, picture in pictures.items():
        assert await in_thread(picture.folded, start) == picture.items, name
    assert {one for picture in pictures.values() for one in picture.classes} == {"full", "shared", "public", "freebusy"}
    assert len(pictures["ana"].items) > 2, "there is something to compare"
