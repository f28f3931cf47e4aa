"""Base class for a host's middleware that never waits, and so needs no thread."""

from .serving.middleware import AtOnce

__all__ = ["AtOnce"]
