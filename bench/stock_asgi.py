"""Serves the site with Django's own ASGI application. The garbage collector is tuned as it is on the site."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

import project.asgi  # noqa: F401 - sets Django up; before that, the rest cannot be imported

# isort: split
from calendar_live.routing import websocket_urlpatterns

application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter(websocket_urlpatterns)})
