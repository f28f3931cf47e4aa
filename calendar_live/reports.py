"""Exports `Report`, which a host site names in DEFAULT_EXCEPTION_REPORTER."""

from .serving.reports import Report

__all__ = ["Report"]
