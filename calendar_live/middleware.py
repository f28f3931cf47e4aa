"""Exports `AtOnce`, the base class for a middleware of a host site that never waits, and so needs no thread."""

from .serving.middleware import AtOnce

__all__ = ["AtOnce"]
