"""Creates, changes and withdraws public links.

No token is made or stored here, because the token of a link can be made from its id at any time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from ... import conf
from ...access import User, key_of
from ...access.receivers import link_receiver
from ...errors import BadValue, Fault, Invalid, NotFound
from ...models import PublicLink, Shows
from ..receipts import once
from ..roles import lock, require_owner
from ..telling import tell_of_sharing
from ..texts import check_name

# Origins are put into a Content-Security-Policy, so they must not contain a character that has a meaning there.
_ORIGIN: Final = re.compile(
    r"https?://([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(:(?P<port>[1-9][0-9]{0,4}))?\Z"
)
_LAST_PORT: Final = 65_535


def create_link(
    calendar_id: UUID, *, actor: User, values: Mapping[str, object], mutation_id: UUID | None = None
) -> PublicLink:
    """Create a public link to a calendar. Only the calendar's owners may do this.

    `values`: `name` and `shows`, and optionally `expires_at` and `frame_origins`. Raises NotFound, Forbidden or
    Invalid.
    """
    with once(actor, mutation_id, "create_link", calendar_id, values) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return _find(actor, calendar_id, UUID(doing.made["link"]))
        lock(calendar_id)
        require_owner(actor, calendar_id)
        missing = {name: [Fault("required")] for name in ("name", "shows") if name not in values}
        if missing:
            raise Invalid(fields=missing)
        if PublicLink.objects.filter(calendar=calendar_id, withdrawn_at=None).count() >= conf.app.MAX_LINKS:
            raise Invalid(fields={"name": [Fault("links_full", limit=conf.app.MAX_LINKS)]})
        link = PublicLink(calendar_id=calendar_id, created_by_id=key_of(actor), **_checked(values))
        link.save(force_insert=True)
        tell_of_sharing(calendar_id)
        doing.made = {"link": str(link.pk)}
    return link


def edit_link(
    calendar_id: UUID,
    *,
    actor: User,
    link_id: UUID,
    changes: Mapping[str, object],
    mutation_id: UUID | None = None,
) -> PublicLink:
    """Change a public link. Only the calendar's owners may do this. Visitors see at once what the link shows now.

    Raises NotFound, Forbidden or Invalid.
    """
    with once(actor, mutation_id, "edit_link", calendar_id, link_id, changes) as doing:
        is_done = doing.repeats(lambda: require_owner(actor, calendar_id))
        link = _find(actor, calendar_id, link_id)
        if is_done:
            return link
        for name, value in _checked(changes).items():
            if name == "shows" and value != link.shows:
                link.version = F("version") + 1
            setattr(link, name, value)
        link.save(force_update=True)
        link.refresh_from_db()
        tell_of_sharing(calendar_id, told=[link_receiver(link_id)])
    return link


def withdraw_link(calendar_id: UUID, *, actor: User, link_id: UUID, mutation_id: UUID | None = None) -> None:
    """End a public link for good. Only the calendar's owners may do this. Raises NotFound or Forbidden."""
    with once(actor, mutation_id, "withdraw_link", calendar_id, link_id) as doing:
        if doing.repeats(lambda: require_owner(actor, calendar_id)):
            return
        link = _find(actor, calendar_id, link_id)
        PublicLink.objects.filter(pk=link.pk).update(withdrawn_at=timezone.now())
        tell_of_sharing(calendar_id, told=[link_receiver(link_id)])


def _find(actor: User, calendar_id: UUID, link_id: UUID) -> PublicLink:
    lock(calendar_id)
    require_owner(actor, calendar_id)
    link = PublicLink.objects.filter(pk=link_id, calendar=calendar_id, withdrawn_at=None).first()
    if link is None:
        raise NotFound("no_link")
    return link


def _checked(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values, cleaned. Raises Invalid, naming each field at fault."""
    cleaned: dict[str, object] = {}
    faults: dict[str, list[Fault]] = {}
    for name, value in values.items():
        wire_name, check = _CHECKS[name]
        try:
            cleaned[name] = check(value)
        except BadValue as bad:
            faults[wire_name] = [bad.fault]
    if faults:
        raise Invalid(fields=faults)
    return cleaned


def _shows(value: object) -> str:
    if value not in Shows.values:
        raise BadValue("not_among", choices=Shows.values)
    return str(value)


def _expires_at(value: object) -> datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadValue("not_instant_or_null")
    if value <= timezone.now():
        raise BadValue("not_in_future")
    return value


def _frame_origins(value: object) -> list[str]:
    if not isinstance(value, list):
        raise BadValue("not_sites")
    if len(value) > conf.app.MAX_FRAME_ORIGINS:
        raise BadValue("too_many_sites", limit=conf.app.MAX_FRAME_ORIGINS)
    origins = [str(one).strip().lower().removesuffix("/") for one in value]
    for origin in origins:
        found = _ORIGIN.match(origin)
        if found is None or int(found["port"] or 0) > _LAST_PORT:
            raise BadValue("not_site", given=origin[:80])
    return list(dict.fromkeys(origins))


# Column -> its name on the wire, and the function that checks a value.
_CHECKS: Final[Mapping[str, tuple[str, Callable[[object], object]]]] = {
    "name": ("name", check_name),
    "shows": ("shows", _shows),
    "expires_at": ("expiresAt", _expires_at),
    "frame_origins": ("frameOrigins", _frame_origins),
}
