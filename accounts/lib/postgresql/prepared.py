"""A SELECT that is prepared once for each connection, and runs without a cursor, which takes as long as it does."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat
from psycopg.pq import ExecStatus


class Select:
    """A statement with `%s` placeholders, for connections that are not in a transaction."""

    def __init__(self, sql: str) -> None:
        first, *others = sql.split("%s")
        numbered = first + "".join(f"${number}{each}" for number, each in enumerate(others, 1))
        self._numbered = numbered.replace("%%", "%").encode()
        self._automatic = [PyFormat.AUTO] * len(others)
        # The same in each process: a pooler may give one a connection for which another has prepared it.
        self._name = "latchkey_" + hashlib.sha256(self._numbered).hexdigest()[:24]

    def run(self, connection: Any, parameters: Sequence[Any], result_format: int) -> list[tuple[Any, ...]]:
        """Run the statement on a GuardedConnection, and return its rows.

        Raises:
            psycopg.Error: when the server refuses it, or does not answer.
        """
        with connection.lock:
            transformer = connection.transformer
            values = transformer.dump_sequence(parameters, self._automatic)
            types = transformer.types or ()
            name = self._name_for(types)
            how = (values, transformer.formats, result_format)
            if name not in connection.prepared_names:
                self._prepare(connection, name, types)
            try:
                result = _execute(connection, name, *how)
            except psycopg.errors.InvalidSqlStatementName:  # psycopg deallocates all after a rollback
                self._prepare(connection, name, types)
                result = _execute(connection, name, *how)
            transformer.set_pgresult(result)
            rows: list[tuple[Any, ...]] = transformer.load_rows(0, result.ntuples, tuple)
            transformer.set_pgresult(None)  # it may be large
        return rows

    def _name_for(self, types: Sequence[int]) -> bytes:
        """Return the name of the statement as it is prepared for parameters of these types."""
        return f"{self._name}_{'_'.join(map(str, types))}".encode()

    def _prepare(self, connection: Any, name: bytes, types: Sequence[int]) -> None:
        connection.pgconn.send_prepare(name, self._numbered, param_types=types)
        with suppress(psycopg.errors.DuplicatePreparedStatement):
            _wait_for_result(connection)
        connection.prepared_names.add(name)


def _execute(connection: Any, name: bytes, *how: Any) -> Any:
    connection.pgconn.send_query_prepared(name, *how)
    return _wait_for_result(connection)


def _wait_for_result(connection: Any) -> Any:
    """Return the result of what was sent.

    Raises:
        psycopg.Error: when the server refused it, or does not answer.
    """
    (result,) = connection.wait(generators.execute(connection.pgconn))
    if result.status not in _FINE:
        raise psycopg.errors.error_from_result(result)
    return result


_FINE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
