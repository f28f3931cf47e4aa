"""The ASGI application: HTTP to Django, WebSockets to calendar_live."""

import gc
import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http = get_asgi_application()  # loads the apps, so it comes before anything that imports models

from calendar_live.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})

# What is loaded by now stays. A full collection stops every delivery, for a third of a second with 1,000 sockets open, and Python's
# default of 700 new objects brings one about by a busy minute; few cycles are left here to collect (docs/benchmarks.md).
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
