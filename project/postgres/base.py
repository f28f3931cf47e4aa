"""Extends Django's PostgreSQL backend: its pool recovers as soon as the database is back."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe
from psycopg import Error
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, except that it checks the pool's connections itself.

    Leave `CONN_HEALTH_CHECKS` off. With it, psycopg checks one connection after the other, and sleeps for 1, 2 and 4 s
    in between. After a restart of the database all connections are dead, and the first request was answered with 503.
    """

    @async_unsafe
    def get_new_connection(self, conn_params: Any) -> Any:
        """Return a connection that answers. If the pool's does not, check all idle ones, and replace the dead ones."""
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
