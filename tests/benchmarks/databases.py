"""The databases that benchmarks run on: SQLite always, PostgreSQL where it is reachable."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

LOCAL_POSTGRESQL = "postgresql://127.0.0.1:5432/test"


@dataclass(frozen=True, slots=True)
class Database:
    """An empty database of a benchmark's own, and the environment that makes a child process use it."""

    name: str
    environment: dict[str, str]


def reachable_postgresql() -> str | None:
    """Return the URL of a PostgreSQL server: DATABASE_URL's, else the one on this machine; None without either."""
    url = os.environ.get("DATABASE_URL") or LOCAL_POSTGRESQL
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return None
    return url


@contextmanager
def sqlite() -> Iterator[Database]:
    """Make a directory for an SQLite database, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as directory:
        yield Database("SQLite", {"DATA_DIR": directory, "DATABASE_URL": ""})


@contextmanager
def postgresql(url: str) -> Iterator[Database]:
    """Make a database on the server at `url`, and drop it afterwards."""
    name = f"latchkey_bench_{os.getpid()}"
    identifier = sql.Identifier(name)
    with psycopg.connect(url, autocommit=True) as admin, tempfile.TemporaryDirectory(prefix="latchkey-bench-") as files:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(identifier))
        try:
            own = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
            yield Database("PostgreSQL", {"DATA_DIR": files, "DATABASE_URL": own})
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def available() -> list[tuple[str, Callable[[], AbstractContextManager[Database]]]]:
    """Return the name of each database engine that can be run on, and what makes an empty database there."""
    url = reachable_postgresql()
    found: list[tuple[str, Callable[[], AbstractContextManager[Database]]]] = [("SQLite", sqlite)]
    if url is not None:
        found.append(("PostgreSQL", partial(postgresql, url)))
    return found
