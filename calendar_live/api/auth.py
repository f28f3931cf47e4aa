"""Identifies the caller of an API request: a user by their session, or a public link by its token."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from ninja.security import APIKeyCookie, APIKeyHeader, SessionAuth

from .. import conf
from ..access import receiver_of, standings
from ..access.credentials import Credential, LinkToken, SessionKey, identify, page_user
from ..access.receivers import Receiver
from ..errors import Forbidden, SignedOut
from .http import session_key


def _link_token(request: HttpRequest) -> LinkToken | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return LinkToken(token.strip()) if scheme.lower() == "link" else None


class _User(SessionAuth):
    def authenticate(self, request: HttpRequest, key: str | None) -> Receiver | None:
        user = receiver_of(request.user) if request.user.is_authenticated else None
        return user if user is not None and user.is_user(page_user(request)) else None


class People(_User):
    """Authenticates users by their session.

    Raises Forbidden if the request presents a public link's token: then it is that link's, whatever cookie it carries.
    """

    def __call__(self, request: HttpRequest) -> object:
        if _link_token(request) is not None:
            raise Forbidden("link_only")
        return super().__call__(request)


class _Link(APIKeyHeader):
    """Authenticates a public link by `Authorization: Link <token>`. Raises SignedOut if the link is not open."""

    param_name = "Authorization"

    def authenticate(self, request: HttpRequest, key: str | None) -> Receiver | None:
        token = _link_token(request)
        if token is None:
            return None
        receiver = identify(token)
        if receiver is None or not standings(receiver):
            raise SignedOut("link_ended")
        return receiver


class _Shown(APIKeyCookie):
    """Takes a link's token, or a session's key with the CSRF token, without reading the link or the session.

    For calls that have it read later, without a thread of the request.
    """

    param_name = conf.session_cookie()

    def __call__(self, request: HttpRequest) -> Credential | None:
        return _link_token(request) or super().__call__(request)

    def authenticate(self, request: HttpRequest, key: str | None) -> Credential | None:
        return None if key is None else SessionKey(key)


# For calls that receivers may make. In these, `receiver` returns the caller.
RECEIVERS = [_Link(), _User()]
UNREAD = _Shown()


def receiver(request: HttpRequest) -> Receiver:
    """Return the caller of one of the calls that receivers may make."""
    return cast(Receiver, request.auth)  # type: ignore[attr-defined]  # ninja sets it to what RECEIVERS returned


def credential(request: HttpRequest) -> Credential | None:
    """Return the credential that the request presents, without checking it."""
    key = session_key(request)
    return _link_token(request) or (None if key is None else SessionKey(key))
