"""Defines the URLs of the HTML pages."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from .accounts import SignIn
from .calendar import calendar_page, favicon
from .creating import new_item, parent_options
from .editing import edit_item
from .invitations import invitation_page
from .public import public_embed, public_page

urlpatterns = [
    path("", calendar_page, name="calendar"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("invitations/<str:token>/", invitation_page, name="invitation"),
    path("favicon.ico", favicon, name="favicon"),
    path("public/<str:token>/", public_page, name="public"),
    path("public/<str:token>/embed/", public_embed, name="public_embed"),
    path("items/new/", new_item, name="item_new"),
    path("items/parents/", parent_options, name="item_parents"),
    path("calendars/<uuid:calendar_id>/items/<uuid:item_id>/edit/", edit_item, name="item_edit"),
]
