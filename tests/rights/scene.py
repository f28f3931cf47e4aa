"""One calendar that has something to hide, and one receiver of each kind who may or may not see it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import orjson
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from calendar_live.models import Calendar, Role, WorkItem
from calendar_live.receivers import link_token
from calendar_live.services import calendars, sharing, work_items
from calendar_live.services.calendars import set_role
from tests.live.sockets import Socket, sign_in
from tests.people import invite, make_calendar, make_item, make_link, make_user

# Who asks: members by their role, somebody else, nobody, and two public links by what they show.
MEMBERS: Final = ("owner", "editor", "viewer", "freebusy")
LINKS: Final = {"link": "full", "busylink": "freebusy"}
RECEIVERS: Final = (*MEMBERS, "stranger", "nobody", *LINKS)

# What must not be in any byte that a receiver gets: of items by their visibility, of the calendar, and of its people.
_ITEMS: Final = {
    "normal": ("Kestrel normal", "Kestrel place", "Kestrel description"),
    "private": ("Osprey private", "Osprey place", "Osprey description"),
    "secret": ("Merlin secret", "Merlin place", "Merlin description"),
}
_CALENDAR: Final = "Aviary"
_PEOPLE: Final = "Falconer"
SIGHT: Final[dict[str, tuple[str, ...]]] = {
    "owner": (),
    "editor": (),
    "viewer": (*_ITEMS["private"], *_ITEMS["secret"]),
    "freebusy": (*_ITEMS["normal"], *_ITEMS["private"], *_ITEMS["secret"], _PEOPLE),
    "link": (*_ITEMS["private"], *_ITEMS["secret"], _PEOPLE),
    "busylink": (*_ITEMS["normal"], *_ITEMS["private"], *_ITEMS["secret"], _PEOPLE),
    "stranger": (*_ITEMS["normal"], *_ITEMS["private"], *_ITEMS["secret"], _PEOPLE, _CALENDAR),
    "nobody": (*_ITEMS["normal"], *_ITEMS["private"], *_ITEMS["secret"], _PEOPLE, _CALENDAR),
}

_numbers = itertools.count(1)


@dataclass
class Scene:
    """A calendar and its people; names are new for each scene, because a test may need several."""

    number: int = field(default_factory=lambda: next(_numbers))
    users: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in (*MEMBERS, "stranger"):
            self.users[role] = make_user(f"{role}{self.number}")
        owner = self.users["owner"]
        User.objects.filter(pk=owner.pk).update(first_name=_PEOPLE)
        owner.refresh_from_db()
        self.team: Calendar = make_calendar(owner, name=_CALENDAR)
        for role in ("editor", "viewer", "freebusy"):
            set_role(self.team, member=self.users[role], role=Role(role))
        self.other: Calendar = make_calendar(owner, editor=self.users["editor"], name=_CALENDAR)
        self.items = {kind: self._item(kind) for kind in _ITEMS}
        gone = make_item(self.team, owner, title="Merlin secret", visibility="secret")
        self.deletion = work_items.delete_item(self.team.pk, actor=owner, item_id=gone.pk)
        self.lost: Calendar = make_calendar(owner, name=_CALENDAR)
        calendars.delete_calendar(self.lost.pk, actor=owner)
        self.links = {name: make_link(self.team, owner, shows=shows) for name, shows in LINKS.items()}
        self.invited: sharing.Mailing = invite(self.team, owner, to=f"someone{self.number}@example.org")

    def _item(self, kind: str) -> WorkItem:
        title, place, description = _ITEMS[kind]
        return make_item(
            self.team,
            self.users["owner"],
            title=title,
            location=place,
            description=description,
            visibility=kind,
            assignee_keys=[str(self.users["owner"].pk)],
        )

    def path(self, route: str, *, item: UUID | None = None) -> str:
        """Return the address of a route in this scene."""
        places = {
            "calendar_id": self.lost.pk if route.endswith("<calendar_id>/restore/") else self.team.pk,
            "item_id": item
            or (self.deletion.item_id if route.endswith("<item_id>/restore/") else self.items["normal"].pk),
            "user_id": self.users["freebusy"].pk,
            "invitation_id": self.invited.invitation.pk,
            "link_id": self.links["link"].pk,
            "token": self.token("link") if route.startswith("public/") else self.invited.token,
            "path": "nowhere/",
        }
        for name, place in places.items():
            route = route.replace(f"<{name}>", str(place))
        return f"/{route}"

    def token(self, link: str) -> str:
        return link_token(self.links[link].pk).token

    def request(self, receiver: str, method: str, path: str, **sent: object) -> HttpResponse:
        """Ask as a receiver: `query`, `body` (JSON), `form`, and `headers`."""
        client = Client(raise_request_exception=False)
        if receiver in self.users:
            client.force_login(self.users[receiver])
        headers = {"HX-Request": "true"} | dict(sent.get("headers", {}))  # type: ignore[call-overload]
        if receiver in LINKS:
            headers["Authorization"] = f"Link {self.token(receiver)}"
        query: str = str(sent.get("query", ""))
        if "form" in sent:
            return client.post(path, sent["form"], headers=headers)  # type: ignore[return-value]
        body = orjson.dumps(sent["body"]) if "body" in sent else b""
        return client.generic(  # type: ignore[return-value]
            method, f"{path}{query}", body, content_type="application/json", headers=headers
        )

    def socket(self, receiver: str) -> Socket:
        """Return the WebSocket of a receiver's page, not open yet."""
        if receiver in LINKS:
            return Socket(None, path=f"/ws/?link={self.token(receiver)}")
        return Socket(sign_in(self.users[receiver]) if receiver in self.users else None)


def leaked(receiver: str, received: str) -> list[str]:
    """Return the words beyond a receiver's rights that are in what they received."""
    return [word for word in SIGHT[receiver] if word in received]
