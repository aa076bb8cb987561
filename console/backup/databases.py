"""A copy of the database at one moment, and the records that it names; by each database's own means."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from console.backup.manifest import BackupError
from resources.models import Record

SQLITE_FILE, POSTGRESQL_FILE = "database.sqlite3", "database.dump"

_RECORDS = f"SELECT size, file FROM {Record._meta.db_table} ORDER BY file"  # noqa: S608  # the name of our own table
_MIGRATIONS = "SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app"
# Of a connection's options those that are Django's and not the database's.
_OF_DJANGO = ("server_side_binding", "prepare_threshold", "pool")

Rows = Iterable[tuple[Any, ...]]


@contextmanager
def copy_database(target: Path) -> Iterator[Callable[[str], Rows]]:
    """Copy the database into `target`, and give what answers a statement as of the moment of the copy.

    Raises:
        BackupError: when a program that is needed is not installed, or fails.
    """
    with (_postgresql if connection.vendor == "postgresql" else _sqlite)(target) as ask:
        yield ask


def iterate_records(ask: Callable[[str], Rows]) -> Iterator[tuple[int, str]]:
    """Return the size and the file of each record that the copy names."""
    return ((size, file) for size, file in ask(_RECORDS))


def load_migrations(ask: Callable[[str], Rows]) -> dict[str, str]:
    """Return the last migration of each app in the copy."""
    return dict(ask(_MIGRATIONS))


def check_programs(*names: str) -> None:
    """Check that programs of PostgreSQL are installed, where it is the database.

    Raises:
        BackupError: when one is not.
    """
    for name in names if connection.vendor == "postgresql" else ():
        if shutil.which(name) is None:
            raise BackupError(
                f"{name} is not installed. Install the client programs of PostgreSQL (on Debian: postgresql-client)."
            )


@contextmanager
def _sqlite(target: Path) -> Iterator[Callable[[str], Rows]]:
    """Copy by SQLite's own backup: in one go, so that it is of one moment, and writers need not wait."""
    source_url = f"file:{quote(str(connection.settings_dict['NAME']))}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(source_url, uri=True, timeout=20)) as source,
            closing(sqlite3.connect(target / SQLITE_FILE)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            yield lambda statement: copy.execute(statement)
    except sqlite3.Error as error:
        raise BackupError(f"The database cannot be copied: {error}") from None


@contextmanager
def _postgresql(target: Path) -> Iterator[Callable[[str], Rows]]:
    """Copy by `pg_dump`, of the moment that a transaction of ours has exported."""
    import psycopg

    check_programs("pg_dump")
    try:
        with psycopg.connect(**_parameters()) as session:
            session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            session.read_only = True
            row = session.execute("SELECT pg_export_snapshot()").fetchone()
            snapshot = row[0] if row else ""
            _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={target / POSTGRESQL_FILE}")

            def ask(statement: str) -> Rows:
                with session.cursor(name="backup") as cursor:
                    yield from cursor.execute(statement.encode())

            yield ask
    except psycopg.Error as error:
        raise BackupError(f"The database cannot be copied: {str(error).strip()}") from None


def restore_postgresql(source: Path) -> None:
    """Put a dump into the empty database, all of it or nothing.

    Raises:
        BackupError: when `pg_restore` is not installed, or fails.
    """
    check_programs("pg_restore")
    arguments = ("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction")
    _run("pg_restore", *arguments, str(source / POSTGRESQL_FILE))


def _run(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL on the database. The password is in its environment, where no other user sees it."""
    from psycopg.conninfo import make_conninfo

    parameters = _parameters()
    environment = {**os.environ, "PGPASSWORD": parameters.pop("password", "")}
    command = [program, f"--dbname={make_conninfo(**parameters)}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupError(f"{program} failed: {done.stderr.strip()[-1000:]}")


def _parameters() -> dict[str, Any]:
    """Return how libpq connects to the database of the settings."""
    config = connection.settings_dict
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    found = {name: config[key] for name, key in named.items() if config[key]}
    return {**{name: value for name, value in config["OPTIONS"].items() if name not in _OF_DJANGO}, **found}
