"""The site served by Django's own ASGI application, with the garbage collector tuned as the site's own has it."""

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

import project.asgi  # noqa: F401 - sets Django up, without which the rest cannot be imported

# isort: split
from calendar_live.routing import websocket_urlpatterns

application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": URLRouter(websocket_urlpatterns)})
