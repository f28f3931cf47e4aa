"""Serves public links over HTTP, for a calendar's owners: list, create, change and withdraw them."""

from __future__ import annotations

from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router

from ..access.credentials import link_token
from ..models import PublicLink
from ..schedule.ranges import format_instant
from ..services import sharing
from ..services.roles import require_owner
from .http import json_response, mutation_id
from .schemas import LinkFields, LinkOut

router = Router(tags=["public links"])

_PATH = "/calendars/{uuid:calendar_id}/links/"


@router.get(_PATH, response=list[LinkOut])
def list_links(request: HttpRequest, calendar_id: UUID) -> list[dict[str, object]]:
    """Return a calendar's public links, oldest first, including expired ones but not withdrawn ones. For its owners."""
    require_owner(request.user, calendar_id)
    return [_as_json(request, link) for link in PublicLink.objects.filter(calendar=calendar_id, withdrawn_at=None)]


@router.post(_PATH, response={201: LinkOut})
def create_link(request: HttpRequest, calendar_id: UUID, body: LinkFields) -> HttpResponse:
    """Create a public link. Anybody who has its address sees the calendar live, without an account.

    For the calendar's owners.
    """
    link = sharing.create_link(calendar_id, actor=request.user, values=body.given(), mutation_id=mutation_id(request))
    return json_response(orjson.dumps(_as_json(request, link)), status=201)


@router.patch(_PATH + "{uuid:link_id}/", response=LinkOut)
def edit_link(request: HttpRequest, calendar_id: UUID, link_id: UUID, body: LinkFields) -> dict[str, object]:
    """Change a public link. Its visitors see the change at once. For the calendar's owners."""
    link = sharing.edit_link(
        calendar_id, actor=request.user, link_id=link_id, changes=body.given(), mutation_id=mutation_id(request)
    )
    return _as_json(request, link)


@router.delete(_PATH + "{uuid:link_id}/")
def withdraw_link(request: HttpRequest, calendar_id: UUID, link_id: UUID) -> HttpResponse:
    """Withdraw a public link for good. Its visitors lose the calendar at once. For the calendar's owners."""
    sharing.withdraw_link(calendar_id, actor=request.user, link_id=link_id, mutation_id=mutation_id(request))
    return json_response(orjson.dumps({"id": str(link_id)}))


def _as_json(request: HttpRequest, link: PublicLink) -> dict[str, object]:
    token = link_token(link.pk).token
    return {
        "id": str(link.pk),
        "name": link.name,
        "shows": link.shows,
        "url": request.build_absolute_uri(reverse("calendar_live:public", args=[token])),
        "embedUrl": request.build_absolute_uri(reverse("calendar_live:public_embed", args=[token])),
        "frameOrigins": link.frame_origins,
        "createdAt": format_instant(link.created_at),
        "expiresAt": None if link.expires_at is None else format_instant(link.expires_at),
    }
