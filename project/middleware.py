"""django-csp's middleware, run where the request is: it only sets headers. Changes nothing of what it does."""

import csp.middleware

from calendar_live.middleware import AtOnce


class CSPMiddleware(AtOnce, csp.middleware.CSPMiddleware):
    """django-csp's."""
