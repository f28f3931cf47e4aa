"""Describes calendars as their receivers see them, and lists the people in them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from ..access import (
    LINK_ROLE,
    User,
    access_of,
    access_of_link,
    display_name,
    key_of,
    memberships_of_each,
    open_links,
    receiver_of,
)
from ..access.receivers import Receiver, link_receiver
from ..models import Calendar, Membership, PublicLink, Role
from .grant import CalendarView, Grant, Offer


def deleted_calendars_of(user: User, *, since: datetime) -> QuerySet[Calendar]:
    """Return the calendars a user owns that were deleted after an instant, newest first."""
    owned = Membership.objects.filter(user__pk=key_of(user), user__is_active=True, role=Role.OWNER)
    return Calendar.objects.filter(memberships__in=owned, deleted_at__gte=since).order_by("-deleted_at", "id")


def describe(mine: Membership) -> CalendarView:
    """Return a calendar as this member may see it, for the list of calendars and the `calendar` frame.

    Free/busy members do not see the other members. Only owners see that invitations and links have changed. Prefetch
    `calendar__memberships` with their users.
    """
    access, calendar = access_of(mine), mine.calendar
    others = [] if access.rights == "freebusy" else [other.user for other in calendar.memberships.all()]
    others.sort(key=key_of)  # a database may return any order, and another order would count as a change
    return {
        "id": str(calendar.pk),
        "name": calendar.name,
        "color": calendar.color,
        "timeZone": calendar.time_zone,
        "position": mine.position,
        "role": mine.role,
        "rights": access.rights,
        "access": str(access),
        "state": str(calendar.state),
        "people": [{"id": str(other.pk), "name": display_name(other)} for other in others],
        "sharing": calendar.sharing_version if mine.role == Role.OWNER else None,
        "offer": offer_to(mine, calendar.memberships.all()),
    }


def offer_to(mine: Membership, members: Iterable[Membership]) -> Offer | None:
    """Return the offer of ownership that a member may accept, if it was made by a user who is still an active owner."""
    for one in members:
        if one.user_id == mine.offered_by_id and one.role == Role.OWNER and one.user.is_active:
            return {"by": {"id": str(one.user_id), "name": display_name(one.user)}, "handsOver": mine.hands_over}
    return None


def describe_link(link: PublicLink) -> CalendarView:
    """Return a calendar as a public link shows it, in the form of `describe`. It names no people."""
    access, calendar = access_of_link(link), link.calendar
    return {
        "id": str(calendar.pk),
        "name": calendar.name,
        "color": calendar.color,
        "timeZone": calendar.time_zone,
        "position": 0,
        "role": LINK_ROLE,
        "rights": access.rights,
        "access": str(access),
        "state": str(calendar.state),
        "people": [],
        "sharing": None,
        "offer": None,
    }


def describe_all(who: User | Receiver) -> list[CalendarView]:
    """Return every calendar that someone may see, as `describe` does."""
    receiver = receiver_of(who)
    return list(describe_for([receiver])[receiver].calendars.values())


def describe_for(receivers: Iterable[Receiver]) -> dict[Receiver, Grant]:
    """Return the grant of each of some receivers. Two statements for all users, and one for all links."""
    found = {receiver: Grant(receiver) for receiver in receivers}
    users = [one.id for one in found if one.kind == "user"]
    links = [one.id for one in found if one.kind == "link"]
    if users:
        members = Prefetch("calendar__memberships", Membership.objects.select_related("user"))
        for mine in memberships_of_each(users).prefetch_related(members):
            if mine in mine.calendar.memberships.all():  # not removed between the two statements
                found[Receiver("user", str(mine.user_id))].calendars[str(mine.calendar_id)] = describe(mine)
    if links:
        for link in open_links().filter(pk__in=links):
            receiver = link_receiver(link.pk)
            found[receiver] = Grant(
                receiver, {str(link.calendar_id): describe_link(link)}, _on_monotonic_clock(link.expires_at)
            )
    return found


def _on_monotonic_clock(instant: datetime | None) -> float:
    return math.inf if instant is None else time.monotonic() + (instant - timezone.now()).total_seconds()


def people_of(calendar: UUID) -> list[tuple[str, str]]:
    """Return the (id, name) of each active member of a calendar, sorted by name."""
    members = Membership.objects.filter(calendar=calendar, user__is_active=True).select_related("user")
    return sorted(
        ((str(one.user_id), display_name(one.user)) for one in members), key=lambda person: person[1].casefold()
    )
