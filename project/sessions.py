"""Stores sessions in the database, without a query for keys that no session can have."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's session store in the database, made safe for any cookie.

    PostgreSQL rejects text with a NUL, and a cookie can contain a NUL, written as `\\000`.
    """

    def __init__(self, session_key: str | None = None) -> None:
        is_key = session_key is not None and session_key.isascii() and session_key.isalnum()
        super().__init__(session_key if is_key else None)
