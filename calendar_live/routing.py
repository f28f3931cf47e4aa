"""Defines the WebSocket routes for a Channels URLRouter."""

from django.urls import path, re_path

from .live.consumer import LiveConsumer, UnknownPath

websocket_urlpatterns = [
    path("ws/", LiveConsumer.as_asgi()),
    re_path(r"", UnknownPath.as_asgi()),
]
