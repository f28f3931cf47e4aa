"""Sessions in the database, without a query for keys that no session can have."""

from __future__ import annotations

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's own, for any cookie: PostgreSQL takes no text with a NUL, and one can be written in a cookie as `\\000`."""

    def __init__(self, session_key: str | None = None) -> None:
        is_key = session_key is not None and session_key.isascii() and session_key.isalnum()
        super().__init__(session_key if is_key else None)
