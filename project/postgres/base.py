"""Django's PostgreSQL backend, with a pool that recovers as soon as the database is back."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg import Error
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but for who finds out that a connection of the pool is dead, and how.

    Leave `CONN_HEALTH_CHECKS` off: it has psycopg check one connection after the other and sleep in between, 1, 2 and 4 s. After
    a restart of the database all of them are dead, and the request that comes first was answered 503.
    """

    @async_unsafe
    def get_new_connection(self, conn_params: Any) -> Any:
        """Return a connection that answers. Where one of the pool's does not, all idle ones are checked and replaced."""
        connection = super().get_new_connection(conn_params)
        pool: ConnectionPool | None = self.pool
        if pool is None:
            return connection
        try:
            pool.check_connection(connection)
        except Error:
            pool.putconn(connection)
            pool.check()
            return super().get_new_connection(conn_params)
        return connection
