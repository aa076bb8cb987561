"""A server of its own that a test can kill as a whole: every process of it at once, with no time to put away."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from resources.records.directory import IDENTITY_FILE

ROOT = Path(__file__).parents[2]


class Connection:
    """One connection to the API, kept open, with a token."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._token = {"Authorization": f"Bearer {token}"}

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict, bytes]:
        """Make one request; return its status, its headers by their names in lower case, and its body."""
        self._connection.request(method, f"/v2/{path}", body, {**self._token, **headers})
        response = self._connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()

    def begin(self, path: str, length: int, part: bytes) -> None:
        """Send the head of a PUT and a part of its body, of `length` bytes in all."""
        self._connection.putrequest("PUT", f"/v2/{path}")
        for name, value in {**self._token, "Content-Length": str(length)}.items():
            self._connection.putheader(name, value)
        self._connection.endheaders(part)

    def json(self, method: str, path: str, value: object = None):
        """Make one request that must succeed, and return its `data`."""
        body = None if value is None else json.dumps(value).encode()
        status, _, answer = self.ask(method, path, body)
        assert status < 300, answer
        return json.loads(answer)["data"]

    def close(self) -> None:
        """Close it."""
        self._connection.close()


class Server:
    """Gunicorn as it is shipped, on a database and a directory that stay when it is killed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._end = -1

    @property
    def records(self) -> set[Path]:
        """The files that hold the bytes of records."""
        found = Path(self.environment["DATA_DIR"], "records").rglob("*")
        return {each for each in found if each.is_file() and each.name != IDENTITY_FILE}

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py and return what it says."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=True
        )
        return done.stdout

    def start(self) -> None:
        """Start it on a new port. The socket listens before the server does, so the first request waits for it."""
        self._end, held = os.pipe()
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            self.port = listening.getsockname()[1]
            fd = listening.fileno()
            command = ["-m", "gunicorn", "--config", "python:console.server.gunicorn_config", "--bind", f"fd://{fd}"]
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**self.environment, "ACCESS_LOG": "0", "LOG_LEVEL": "warning"},
                pass_fds=[fd, held],
                start_new_session=True,
            )
        os.close(held)

    def kill(self) -> None:
        """Send SIGKILL to every process of it. Safe from any thread, and again."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait_until_dead(self) -> None:
        """Return when no process of it is left: each of them held an end of a pipe open."""
        if self._process is None:
            return
        assert os.read(self._end, 1) == b""
        os.close(self._end)
        assert self._process.wait() == -signal.SIGKILL
        self._process = None
        _end_sessions(self.environment.get("DATABASE_URL"))


def _end_sessions(url: str | None) -> None:
    """Have PostgreSQL notice at once, rather than soon, that those who asked it for something are no more."""
    if not url:
        return
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@contextmanager
def killable_server(data: Path) -> Iterator[Server]:
    """Give a server that has not been started, on a new database of the sort that the tests run on."""
    environment = {**os.environ, "DATA_DIR": str(data), "DEMO": "0", "SECRET_KEY": secrets.token_hex(32)}
    environment["DJANGO_SETTINGS_MODULE"] = "console.settings"
    with new_database(environment.get("DATABASE_URL")) as url:
        if url:
            environment["DATABASE_URL"] = url
        server = Server(environment)
        try:
            yield server
        finally:
            server.kill()
            server.wait_until_dead()


@contextmanager
def new_database(url: str | None) -> Iterator[str | None]:
    """Give the URL of a new database beside the one of a URL, of the sort that the tests run on; None on SQLite."""
    if not url:
        yield None
        return
    psycopg = pytest.importorskip("psycopg")
    name = f"latchkey_kill_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            database.execute(f"DROP DATABASE {name} WITH (FORCE)")


def account_with_token(server: Server, username: str) -> str:
    """Make an account in a process of its own, and return the text of a token."""
    lines = [json.dumps([what, username]) for what in ("make", "token")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.other_process"],
        cwd=ROOT,
        env=server.environment,
        input="\n".join(lines) + "\n",
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    text: str = json.loads(done.stdout.splitlines()[1])["text"]
    return text
