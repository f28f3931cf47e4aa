"""`get_asgi_application`, as a host's asgi.py imports it."""

from .serving.asgi import get_asgi_application

__all__ = ["get_asgi_application"]
