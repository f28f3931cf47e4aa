"""Implements the server that calendar_live is compared with: the Channels tutorial, done well.

The site never uses it.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.views.decorators.http import require_http_methods

from calendar_live.models import Membership, Role, WorkItem


def group_of(calendar: UUID) -> str:
    """Return the group of everyone who has a calendar open."""
    return f"textbook.{calendar}"


class TextbookConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels ships no types
    """One socket of one calendar: it joins the group when it connects and passes on each event of the group."""

    async def connect(self) -> None:
        calendar = self.scope["url_route"]["kwargs"]["calendar"]
        if not await self._may_see(calendar):
            await self.close()
            return
        self.group = group_of(calendar)
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "group"):
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def calendar_changes(self, event: dict[str, Any]) -> None:
        await self.send_json(event["content"])

    @classmethod
    async def encode_json(cls, content: Any) -> str:
        """Encode without spaces, so that both servers send the same bytes."""
        return json.dumps(content, separators=(",", ":"))

    @database_sync_to_async  # type: ignore[untyped-decorator]
    def _may_see(self, calendar: UUID) -> bool:
        user = self.scope["user"]
        return user.is_authenticated and Membership.objects.filter(calendar=calendar, user=user).exists()


@require_http_methods(["DELETE"])
@login_required
def delete_item(request: HttpRequest, calendar: UUID, item: UUID) -> HttpResponse:
    """Delete a work item, and send the event to the group after the commit."""
    get_object_or_404(Membership, calendar=calendar, user=request.user.pk, role__in=[Role.OWNER, Role.EDITOR])
    with transaction.atomic():
        found = get_object_or_404(WorkItem.objects.select_for_update(), pk=item, calendar=calendar)
        event = {"type": "calendar.changes", "content": _content(request, found)}
        Model.delete(found)  # bypasses the log, which this server does not have
        transaction.on_commit(lambda: async_to_sync(get_channel_layer().group_send)(group_of(calendar), event))
    return JsonResponse({"id": str(item), "calendar": str(calendar)})


def _content(request: HttpRequest, item: WorkItem) -> dict[str, Any]:
    """Return the same event as calendar_live. The textbook keeps no states, so the item's state stands in for them."""
    return {
        "type": "changes",
        "calendar": str(item.calendar_id),
        "oldState": item.state,
        "newState": item.state,
        "more": False,
        "upserted": [],
        "destroyed": [str(item.pk)],
        "actor": {"id": str(request.user.pk), "name": str(request.user)},
        "mutationId": request.headers.get("Idempotency-Key"),
    }


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process is up."""
    return HttpResponse("ok")


urlpatterns = [
    path("healthz", healthz),
    path("api/calendars/<uuid:calendar>/items/<uuid:item>/", delete_item),
]

websocket_urlpatterns = [path("ws/<uuid:calendar>/", TextbookConsumer.as_asgi())]
