"""django-csp's middleware, run on the event loop."""

import csp.middleware

from calendar_live.middleware import AtOnce


class CSPMiddleware(AtOnce, csp.middleware.CSPMiddleware):
    """django-csp's."""
