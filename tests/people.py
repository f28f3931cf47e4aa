"""Makes people, calendars, items, links and invitations for the tests, through the services."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User

from calendar_live.models import Calendar, PublicLink, Role, WorkItem
from calendar_live.services import sharing
from calendar_live.services.calendars import create_calendar, set_role
from calendar_live.services.items import create_item
from calendar_live.services.sharing import create_link

PASSWORD = "demo"
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
TEN = NINE + timedelta(hours=1)
SPAN = {"start": NINE, "end": TEN}


def make_user(name: str) -> User:
    """Return a new user with the password `demo`."""
    model = get_user_model()
    return model.objects.create_user(username=name, password=PASSWORD, first_name=name.title())


def make_calendar(
    owner: User, *, editor: User | None = None, viewer: User | None = None, name: str = "Team"
) -> Calendar:
    """Return a new calendar with these members."""
    calendar = create_calendar(name, actor=owner, color="#2563eb", time_zone="Asia/Manila")
    for member, role in ((editor, Role.EDITOR), (viewer, Role.VIEWER)):
        if member is not None:
            set_role(calendar, member=member, role=role)
    return calendar


def make_link(calendar: Calendar, owner: User, **values: Any) -> PublicLink:
    """Return a new public link. By default it shows everything public and does not expire."""
    return create_link(calendar.pk, actor=owner, values={"name": "Website", "shows": "full"} | values)


def make_item(calendar: Calendar, actor: User, *, item_id: UUID | None = None, **fields: Any) -> WorkItem:
    """Return a new work item. By default it lasts an hour, from 2026-11-23T09:00Z."""
    start = fields.get("start", NINE)
    whole = {"title": "Design review", "start": start, "end": start + timedelta(hours=1)} | fields
    made = create_item(calendar.pk, actor=actor, item_id=item_id or uuid4(), fields=whole)
    return WorkItem.objects.get(pk=made.item_id)


def invite(
    calendar: Calendar, owner: User, *, to: str = "eve@example.org", role: Role = Role.EDITOR
) -> sharing.Mailing:
    """Return a new invitation with its token."""
    mailing = sharing.share(calendar.pk, actor=owner, to=to, role=role)
    assert isinstance(mailing, sharing.Mailing)
    return mailing
