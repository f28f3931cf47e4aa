"""Defines the URLs of the site: the admin, and calendar_live at the root."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("calendar_live.urls")),
]
