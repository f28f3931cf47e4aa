"""Defines the URLs of the pages, of the JSON API, and of the endpoints for operators."""

from django.urls import include, path

from .api import health
from .api.app import urls as api_urls
from .pages.urls import urlpatterns as page_urls

_pages = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    *page_urls,
]

urlpatterns = [
    path("api/", include((list(api_urls()), "ninja"), namespace="calendar_live_api")),
    path("", include((_pages, "calendar_live"), namespace="calendar_live")),
]
