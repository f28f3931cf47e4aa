"""Exports `get_asgi_application` for the asgi.py of a host site."""

from .serving.asgi import get_asgi_application

__all__ = ["get_asgi_application"]
