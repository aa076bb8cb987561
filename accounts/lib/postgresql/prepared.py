"""A SELECT that is prepared once for each connection, and runs without a cursor, which takes as long as it does."""

import hashlib
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
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
        transformer = Transformer.from_context(connection)
        values = transformer.dump_sequence(parameters, self._automatic)
        name = self._name_for(transformer.types or ())
        how = (values, transformer.formats, result_format)
        with connection.lock:
            if name not in connection.prepared_names:
                self._prepare(connection, name, transformer.types or ())
            try:
                result = connection.wait(_execute(connection.pgconn, name, *how))
            except psycopg.errors.InvalidSqlStatementName:  # psycopg deallocates all after a rollback
                self._prepare(connection, name, transformer.types or ())
                result = connection.wait(_execute(connection.pgconn, name, *how))
        transformer.set_pgresult(result)
        rows: list[tuple[Any, ...]] = transformer.load_rows(0, result.ntuples, tuple)
        return rows

    def _name_for(self, types: Sequence[int]) -> bytes:
        """Return the name of the statement as it is prepared for parameters of these types."""
        return f"{self._name}_{'_'.join(map(str, types))}".encode()

    def _prepare(self, connection: Any, name: bytes, types: Sequence[int]) -> None:
        with suppress(psycopg.errors.DuplicatePreparedStatement):
            connection.wait(_send_prepare(connection.pgconn, name, self._numbered, types))
        connection.prepared_names.add(name)


def _send_prepare(pgconn: Any, name: bytes, sql: bytes, types: Sequence[int]) -> Generator[Any, Any, None]:
    pgconn.send_prepare(name, sql, param_types=types)
    yield from _answer(pgconn)


def _execute(pgconn: Any, name: bytes, *how: Any) -> Generator[Any, Any, Any]:
    pgconn.send_query_prepared(name, *how)
    return (yield from _answer(pgconn))


def _answer(pgconn: Any) -> Generator[Any, Any, Any]:
    """Return the result of what was sent.

    Raises:
        psycopg.Error: when the server refused it.
    """
    (result,) = yield from generators.execute(pgconn)
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result)
    return result
