"""Runs django-csp's middleware on the event loop."""

import csp.middleware

from calendar_live.middleware import AtOnce


class CSPMiddleware(AtOnce, csp.middleware.CSPMiddleware):
    """django-csp's middleware, without a thread."""
