"""`Report`, which a host names in DEFAULT_EXCEPTION_REPORTER."""

from .serving.reports import Report

__all__ = ["Report"]
