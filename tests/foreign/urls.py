"""The host site's URLs: those of project/, and a page of bookings."""

from django.contrib.auth.decorators import login_required
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("bookings/", login_required(TemplateView.as_view(template_name="foreign/bookings.html"))),
    path("", include("project.urls")),
]
