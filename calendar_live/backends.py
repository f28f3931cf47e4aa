"""An authentication backend that refuses the demo's password, to come first in AUTHENTICATION_BACKENDS."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from .services import accounts


class RefusesDemoPassword:
    """Refuses the demo's password to everybody, whatever asks, on a site that is no trial; no other backend is asked then.

    It knows no users, so that Django asks it for none.
    """

    def authenticate(self, request: HttpRequest | None, password: str | None = None, **credentials: Any) -> None:
        """Do nothing, or raise PermissionDenied."""
        if accounts.is_refused(password):
            raise PermissionDenied

    async def aauthenticate(self, request: HttpRequest | None, password: str | None = None, **credentials: Any) -> None:
        """Do the same."""
        self.authenticate(request, password)
