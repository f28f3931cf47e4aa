"""Creates one calendar with something to hide, and one receiver of each kind, who may or may not see it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from calendar_live.access.credentials import link_token
from calendar_live.models import Calendar, Role, WorkItem
from calendar_live.services import calendars, items, sharing
from calendar_live.services.calendars import set_role
from tests.keeping import Kept
from tests.live.sockets import Socket, sign_in
from tests.people import invite, make_calendar, make_item, make_link, make_user

# The receivers: members by their role, a stranger, nobody (not signed in), and two public links by what they show.
MEMBERS: Final = ("owner", "editor", "viewer", "freebusy")
LINKS: Final = {"link": "full", "busylink": "freebusy"}
RECEIVERS: Final = (*MEMBERS, "stranger", "nobody", *LINKS)

# Texts that a receiver without the rights must not get in any byte: of items by visibility, of the calendar, of people.
TEXTS: Final = {
    "normal": ("Kestrel normal", "Kestrel place", "Kestrel description", "Kestrel tag", "https://kestrel.example/"),
    "private": ("Osprey private", "Osprey place", "Osprey description", "Osprey tag", "https://osprey.example/"),
    "secret": ("Merlin secret", "Merlin place", "Merlin description", "Merlin tag", "https://merlin.example/"),
}
CALENDAR: Final = "Aviary"
INVITER: Final = "Falconer"
# An email address, and the name of a public link.
OWNERS_ALONE: Final = ("falconer@example.org", "Eyrie")
_NOT_BUSY: Final = (*TEXTS["private"], *TEXTS["secret"])
_ALL: Final = (*TEXTS["normal"], *_NOT_BUSY)
SIGHT: Final[dict[str, tuple[str, ...]]] = {
    "owner": (),
    "editor": OWNERS_ALONE,
    "viewer": (*OWNERS_ALONE, *_NOT_BUSY),
    "freebusy": (*OWNERS_ALONE, *_ALL, INVITER),
    "link": (*OWNERS_ALONE, *_NOT_BUSY, INVITER),
    "busylink": (*OWNERS_ALONE, *_ALL, INVITER),
    "stranger": (*OWNERS_ALONE, *_ALL, INVITER, CALENDAR),
    "nobody": (*OWNERS_ALONE, *_ALL, INVITER, CALENDAR),
}

_numbers = itertools.count(1)


@dataclass
class Scene:
    """A calendar and its people. The names are new for each scene, because a test may need several scenes."""

    number: int = field(default_factory=lambda: next(_numbers))
    users: dict[str, User] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in (*MEMBERS, "stranger"):
            self.users[role] = make_user(f"{role}{self.number}")
        owner = self.users["owner"]
        User.objects.filter(pk=owner.pk).update(first_name=INVITER, email=OWNERS_ALONE[0])
        owner.refresh_from_db()
        self.team: Calendar = make_calendar(owner, name=CALENDAR)
        for role in ("editor", "viewer", "freebusy"):
            set_role(self.team, member=self.users[role], role=Role(role))
        sharing.change_role(self.team.pk, actor=owner, member=str(self.users["viewer"].pk), role=Role.OWNER)  # offer
        self.other: Calendar = make_calendar(owner, editor=self.users["editor"], name=CALENDAR)
        secret = self.item("secret")
        normal = self.item("normal", parent_id=secret.pk)  # the id of this parent must stay hidden, too
        self.items = {"normal": normal, "private": self.item("private"), "secret": secret}
        gone = make_item(self.team, owner, title="Merlin secret", visibility="secret")
        self.deletion = items.delete_item(self.team.pk, actor=owner, item_id=gone.pk)
        self.lost: Calendar = make_calendar(owner, name=CALENDAR)
        calendars.delete_calendar(self.lost.pk, actor=owner)
        self.links = {
            name: make_link(self.team, owner, shows=shows, name=OWNERS_ALONE[1]) for name, shows in LINKS.items()
        }
        self.invited: sharing.Mailing = invite(self.team, owner, to=f"someone{self.number}@example.org")
        self.sessions = {who: sign_in(user) for who, user in self.users.items()}

    def item(self, kind: str, **fields: Any) -> WorkItem:
        """Create another item with a visibility, and with all texts that must not leak."""
        title, place, description, tag, url = TEXTS[kind]
        return make_item(
            self.team,
            self.users["owner"],
            title=title,
            location=place,
            description=description,
            tags=[tag],
            url=url,
            visibility=kind,
            assignee_keys=[str(self.users["owner"].pk)],
            **fields,
        )

    def path(self, route: str, *, item: UUID | None = None) -> str:
        """Return the path of a route in this scene."""
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
        """Send a request as a receiver. `sent` may have `query`, `body` (JSON), `form` and `headers`."""
        client = Client(raise_request_exception=False)
        if receiver in self.sessions:
            client.cookies["sessionid"] = self.sessions[receiver]
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
        """Return the WebSocket of a receiver's page. It is not open yet."""
        if receiver in LINKS:
            return Socket(None, path=f"/ws/?link={self.token(receiver)}")
        return Socket(self.sessions.get(receiver))

    def hidden_ids(self, receiver: str) -> list[str]:
        """Return the ids of the items that a receiver must not know about."""
        if receiver in ("owner", "editor"):
            return []
        secret = [str(self.items["secret"].pk), self.deletion.item_id]
        alive = [str(item.pk) for item in self.items.values()]
        return secret if receiver in (*MEMBERS, *LINKS) else [*secret, *alive]

    def leaked(self, receiver: str, received: str, *, but: tuple[str, ...] = ()) -> list[str]:
        """Return the texts and ids in `received` that the receiver has no right to see. `but` lists exceptions."""
        return [word for word in (*SIGHT[receiver], *self.hidden_ids(receiver)) if word in received and word not in but]


the_scene: Final = Kept(Scene)


def received(answer: HttpResponse) -> str:
    """Return the headers and the body of an answer as text."""
    return f"{dict(answer.items())}\n{answer.content.decode()}"
