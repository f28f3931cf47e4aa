"""Tells whose session key or public link token a request or a socket presents."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import Final
from urllib.parse import unquote
from uuid import UUID

from django.contrib.auth import get_user
from django.core import signing
from django.http import HttpRequest

from .. import conf
from .receivers import Receiver, link_receiver


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The key of one of Django's sessions."""

    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkToken:
    """The secret in a public link's address."""

    token: str = field(repr=False)


Credential = SessionKey | LinkToken

# Tokens are signed and not stored. So owners can see the address again, and a copy of the database contains no token.
# Tokens that were signed with an old key of the site stay valid (SECRET_KEY_FALLBACKS).
_SALT: Final = "calendar_live.link"


def link_token(link_id: UUID) -> LinkToken:
    """Return the token of a public link."""
    return LinkToken(_signer().sign(signing.b62_encode(link_id.int)))


def identify(credential: Credential) -> Receiver | None:
    """Return the receiver whose credential this is. None: no active user is signed in by it, or no link has this token.

    A token tells which link it is for. Whether that link is still open is for decisions.py.
    """
    return _user_of(credential) if isinstance(credential, SessionKey) else _link_of(credential)


def page_user(request: HttpRequest) -> str | None:
    """Return the user that a request's page names as its own, if any, for `Receiver.is_user`."""
    named = request.headers.get("Calendar-User")
    return None if named is None else unquote(named)


def _user_of(session: SessionKey) -> Receiver | None:
    if not session.key.isprintable():  # PostgreSQL rejects a NUL, which would fail every session read in the same call
        return None
    store = import_module(conf.session_engine()).SessionStore(session.key)
    # `get_user` may give a session another key or end it. But no answer from here can set the browser's cookie.
    store.cycle_key = store.flush = lambda: None
    user = get_user(SimpleNamespace(session=store))  # type: ignore[arg-type]  # reads `session` alone
    return Receiver("user", str(user.pk)) if user.is_authenticated and user.is_active else None


def _link_of(link: LinkToken) -> Receiver | None:
    try:
        number = signing.b62_decode(_signer().unsign(link.token))
        return link_receiver(UUID(int=number))
    except (signing.BadSignature, ValueError):
        return None


def _signer() -> signing.Signer:
    return signing.Signer(salt=_SALT, sep=".")
