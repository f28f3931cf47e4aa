"""Django's middlewares without a thread for each, and `AtOnce` for a host's own."""

from .serving.middleware import AtOnce

__all__ = ["AtOnce"]
