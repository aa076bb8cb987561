"""Django's backend for PostgreSQL, in which a fault of the network or of the server ends within seconds.

* No statement waits for a database that has gone away (`guarded_connection.py`).
* While it is known to be away, requests do not wait for it one after the other (`reachability.py`).
* A pooled connection that died while it lay in the pool costs one try of the first statement, and no request.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import Error
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg_pool import PoolTimeout

from accounts.lib.postgresql.guarded_connection import GuardedConnection
from accounts.lib.postgresql.limits import LIMITS
from accounts.lib.postgresql.prepared import Select
from accounts.lib.postgresql.reachability import AnswerLost, Away, Reachability, Verdict


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with connections from a pool of ours."""

    _reachabilities: dict[str, Reachability] = {}
    # Whether nothing has been done yet on the connection since it was taken from the pool.
    is_untouched = False

    @property
    def pool(self) -> Any:
        """The pool of this process, None where there is none."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if options:
            options.setdefault("connection_class", GuardedConnection)
        return super().pool

    def close_pool(self) -> None:
        """Close the pool, and forget what is known about its database."""
        super().close_pool()
        self._reachabilities.pop(self.alias, None)

    def get_connection_params(self) -> dict[str, Any]:
        """Return what a connection is made with: what the settings say, and what the server is to do by itself."""
        parameters: dict[str, Any] = super().get_connection_params()
        # To compile a list's statement takes the server longer than to run it.
        options = ["jit=off"]
        options += [f"lock_timeout={LIMITS.lock}s"] if LIMITS.lock else []
        options += [f"statement_timeout={LIMITS.statement}s"] if LIMITS.statement else []
        parameters.setdefault("options", " ".join(f"-c {each}" for each in options))
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection from the pool.

        Raises:
            Away: when the database cannot be reached, at once if that is known.
            PoolTimeout: when all connections are in use for too long.
        """
        if not self.pool:
            return super().get_new_connection(conn_params)
        reachability = self._reachabilities.get(self.alias)
        if reachability is None:
            reachability = self._reachabilities.setdefault(self.alias, Reachability(conn_params))
        reachability.check()
        try:
            connection = super().get_new_connection(conn_params)
        except PoolTimeout:
            if reachability.ask() is Verdict.AWAY:
                raise Away("the database cannot be reached") from None
            connection = super().get_new_connection(conn_params)
        connection.reachability = reachability
        self.is_untouched = True
        return connection

    def make_cursor(self, cursor: Any) -> CursorWrapper:
        """Return a cursor that tries a first statement again."""
        return _RetryingCursor(cursor, self)

    def select(self, sql: str, parameters: Sequence[Any], result_format: int) -> list[tuple[Any, ...]]:
        """Run a SELECT outside of a transaction without a cursor, and return its rows; see `prepared.py`.

        It is tried again on another connection where the first one was dead, as a cursor does.

        Raises:
            DatabaseError: Django's.
        """
        statement = _selects.get(sql) or _selects.setdefault(sql, Select(sql))
        try:
            rows = self._select(statement, parameters, result_format)
        except Error as error:
            if not self.replace_dead_connection(error, sql):
                raise
            rows = self._select(statement, parameters, result_format)
        self.is_untouched = False
        return rows

    def _select(self, statement: Select, parameters: Sequence[Any], result_format: int) -> list[tuple[Any, ...]]:
        try:
            return statement.run(self.connection, parameters, result_format)
        except psycopg.Error:
            with self.wrap_database_errors:
                raise

    def replace_dead_connection(self, error: Error, sql: Any) -> bool:
        """Put another connection in the place of one that was found dead by its first statement; tell whether that was.

        A statement that may have changed something is not tried again: outside of a transaction it may be done.
        """
        connection = self.connection
        if not self.is_untouched or not self.pool or connection is None or not connection.closed:
            return False
        if isinstance(error.__cause__, Away) or (self.autocommit and not _only_reads(sql)):
            return False
        if isinstance(error.__cause__, AnswerLost):  # others in the pool have most likely been forgotten the same way
            self.pool.drain()
        run_on_commit, needs_rollback = self.run_on_commit, self.needs_rollback
        self.close()
        self.connection = self._take_living()
        self.connection.autocommit = self.autocommit
        self.run_on_commit, self.needs_rollback = run_on_commit, needs_rollback
        self.closed_in_transaction = self.errors_occurred = False
        return True

    def _take_living(self) -> Any:
        """Return a connection from the pool that the server has not ended, as it has all of them when it restarts."""
        parameters = self.get_connection_params()
        with self.wrap_database_errors:
            while (connection := self.get_new_connection(parameters)).is_dead():
                connection.close()
                self.pool.putconn(connection)
            return connection


class _RetryingCursor(CursorWrapper):
    """Tries a statement once again, on another connection, when it is the first one and the connection was dead."""

    def _execute(self, sql: Any, params: Any, *ignored_wrapper_args: Any) -> Any:
        db: Any = self.db
        try:
            result = super()._execute(sql, params, *ignored_wrapper_args)  # type: ignore[misc]  # not in the stubs
        except Error as error:
            if not db.replace_dead_connection(error, sql):
                raise
            dead = self.cursor
            self.cursor = db.create_cursor(getattr(dead, "name", None))
            self.cursor.format = dead.format
            result = super()._execute(sql, params, *ignored_wrapper_args)  # type: ignore[misc]  # not in the stubs
        db.is_untouched = False
        return result

    def _executemany(self, sql: Any, param_list: Any, *ignored_wrapper_args: Any) -> Any:
        db: Any = self.db
        db.is_untouched = False
        return super()._executemany(sql, param_list, *ignored_wrapper_args)  # type: ignore[misc]  # not in the stubs


# The statements of this process, by their text.
_selects: dict[str, Select] = {}


def _only_reads(sql: Any) -> bool:
    return str(sql).lstrip()[:6].upper() == "SELECT"
