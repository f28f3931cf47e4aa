"""Makes the ASGI application of the site: Django answers HTTP, and calendar_live answers WebSockets."""

import gc
import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

from calendar_live.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http = get_asgi_application(
    {"csp.middleware.CSPMiddleware": "project.middleware.CSPMiddleware"}
)  # loads the apps, so it comes before anything that imports models

from calendar_live.live.consumer import UnknownPath  # noqa: E402
from calendar_live.routing import websocket_urlpatterns  # noqa: E402

_routes = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})


async def application(scope: Any, receive: Any, send: Any) -> None:  # ASGI's own dicts
    """Serve the site below FORCE_SCRIPT_NAME.

    Channels does not know that setting, and daphne trusts a header from the client instead.
    """
    prefix = settings.FORCE_SCRIPT_NAME or ""
    if scope["type"] == "websocket" and not scope["path"].startswith(f"{prefix}/"):
        await UnknownPath.as_asgi()(scope, receive, send)
    else:
        await _routes({**scope, "root_path": prefix}, receive, send)


# Objects that are loaded by now stay, so the garbage collector skips them. A full collection stops every delivery, for
# a third of a second with 1,000 sockets open. Python's default of 700 new objects brings one about within a busy
# minute, and few cycles are left here to collect (docs/benchmarks.md).
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 20, 20)
