"""Run frequent SQL statements without the ORM's overhead.

Two statements run in nearly every request: credential to principal, and address to resource with facts. The database
needs fewer microseconds for either than Django's cursor does to rewrite its placeholders, and psycopg's to prepare
what it has prepared before. So they go to the driver with the placeholders rewritten once, on the same connection: on
SQLite inside of transactions, too, and on PostgreSQL outside of them. As soon as anything wants to see the queries (a
test that counts them, an instrumented connection), they take Django's way.
"""

import sqlite3
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.functional import cached_property

from accounts.lib.postgresql.limits import LIMITS

TEXT, BINARY = 0, 1  # psycopg's names for results as text, and for results as they are


def moment_parameter(moment: datetime | None) -> Any:
    """Return a moment as the database compares it; None stays None."""
    if moment is None:
        return None
    if moment.tzinfo is UTC and _here.is_sqlite:
        return str(moment.replace(tzinfo=None))  # the same as below, in a tenth of the time
    return _here.connection.ops.adapt_datetimefield_value(moment)


class _Here(threading.local):
    """The connection of each thread. Django's own look for it takes as long as to run a small statement."""

    @cached_property
    def connection(self) -> BaseDatabaseWrapper:
        """Django's connection to the default database."""
        return connections[DEFAULT_DB_ALIAS]

    @cached_property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite; to ask each time takes long, too."""
        return self.connection.vendor == "sqlite"

    @cached_property
    def is_debug(self) -> bool:
        """Whether DEBUG is on, in which Django keeps each statement."""
        return bool(settings.DEBUG)


_here = _Here()


def thread_connection() -> BaseDatabaseWrapper:
    """Return this thread's connection to the default database, as `django.db.connection` stands for it."""
    return _here.connection


def give_back_connection() -> None:
    """Let others have this thread's connection from the pool, while something else than the database is waited for.

    Outside of a transaction, and in processes that serve requests, where no cursor stays open; the next statement takes
    one again. Elsewhere it does nothing.
    """
    if not LIMITS.gives_back:
        return
    connection = thread_connection()
    if connection.vendor == "postgresql" and connection.connection is not None and not connection.in_atomic_block:
        connection.close()


class Statement:
    """A SELECT written once, with `%s` placeholders."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._sqlite = sql.replace("%s", "?")

    def row(self, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        """Run the statement and return its first row, or None.

        Raises:
            DatabaseError: Django's, whichever way the statement went.
        """
        connection: Any = _here.connection
        if not _goes_directly(connection):
            with connection.cursor() as cursor:
                cursor.execute(self.sql, parameters)
                first: tuple[Any, ...] | None = cursor.fetchone()
                return first
        if not _here.is_sqlite:
            rows: list[tuple[Any, ...]] = connection.select(self.sql, parameters, TEXT)
            return rows[0] if rows else None
        try:
            found: tuple[Any, ...] | None = connection.connection.execute(self._sqlite, parameters).fetchone()
        except sqlite3.Error:
            with connection.wrap_database_errors:  # here, because it costs something to enter it for nothing
                raise
        return found

    def rows(self, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run the statement and return all its rows; meant for statements with a LIMIT. Bytes travel in binary.

        Raises:
            DatabaseError: Django's, whichever way the statement went.
        """
        rows: list[tuple[Any, ...]]
        connection: Any = _here.connection
        if not _goes_directly(connection):
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.cursor.format = BINARY
                cursor.execute(self.sql, parameters)
                rows = cursor.fetchall()
                return rows
        if not _here.is_sqlite:
            rows = connection.select(self.sql, parameters, BINARY)
            return rows
        try:
            found: list[tuple[Any, ...]] = connection.connection.execute(self._sqlite, parameters).fetchall()
        except sqlite3.Error:
            with connection.wrap_database_errors:
                raise
        return found


def _goes_directly(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether a statement may go to the driver, which is connected afterwards."""
    if _here.is_debug or connection.force_debug_cursor or connection.execute_wrappers:
        return False
    if connection.connection is None:
        connection.ensure_connection()
    # In a transaction, psycopg's cursor begins it.
    return _here.is_sqlite or connection.autocommit
