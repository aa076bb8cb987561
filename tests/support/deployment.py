"""Hosts of one deployment: processes with a data directory of their own each, and one database."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
_NOT_OURS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "RECORDS_BUCKET")


def host(data: Path, database_url: str, **changes: str) -> dict[str, str]:
    """Return the environment of a host with nothing but defaults, besides `changes`. Without a URL it has SQLite."""
    given = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    given |= {"DATA_DIR": str(data), "DATABASE_URL": database_url, "DEMO": "0", "WORKER": "0", "PORT": str(free_port())}
    return given | {"DJANGO_SETTINGS_MODULE": "console.settings", **changes}


def manage(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of manage.py, and return how it ended and what it said."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def empty_database() -> Iterator[str]:
    """Give the URL of an empty database of PostgreSQL where the tests run on it, else "", which is SQLite."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        yield ""
        return
    import psycopg

    name = f"latchkey_hosts_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            database.execute(f"DROP DATABASE {name} WITH (FORCE)")
