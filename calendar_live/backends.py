"""Defines the authentication backend that refuses the demo's password. Put it first in AUTHENTICATION_BACKENDS."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from .services import accounts


class RefusesDemoPassword:
    """Refuses the demo's password for every user and every way to sign in, on a site that is not a trial.

    After a refusal, Django asks no other backend. This backend signs nobody in, so Django never asks it for a user.
    """

    def authenticate(self, request: HttpRequest | None, password: str | None = None, **credentials: Any) -> None:
        """Return None, so that Django asks the next backend. Raises PermissionDenied for the demo's password."""
        if accounts.is_refused(password):
            raise PermissionDenied

    async def aauthenticate(self, request: HttpRequest | None, password: str | None = None, **credentials: Any) -> None:
        """Do the same as `authenticate`."""
        self.authenticate(request, password)
