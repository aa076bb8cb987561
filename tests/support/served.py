"""Latchkey as it is served: gunicorn in processes of its own, with a database and files of its own."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.migrated import migrate

ROOT = Path(__file__).parents[2]


@dataclass
class Served:
    """A server that is running: where, with which environment, and whose token is which."""

    port: int
    environment: dict[str, str]
    tokens: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """The data directory."""
        return Path(self.environment["DATA_DIR"])

    def connect(self) -> HTTPConnection:
        """Return a connection of one's own."""
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def request(self, method: str, path: str, body=None, *, who: str = "ada", **headers: str) -> HTTPResponse:
        """Make a request; `Content_Type="text/plain"` is a header. The answer is read by whoever asked."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connect()
        connection.request(method, path, body, {"Authorization": f"Bearer {self.tokens[who]}", **named})
        return connection.getresponse()

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True, timeout=120
        ).stdout

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def peak_memory(self) -> int:
        """Return the most memory that the only worker has ever had, in bytes, with the files that it has mapped."""
        return self._status("VmHWM")

    def own_memory(self) -> int:
        """Return the memory that the only worker has to itself now, in bytes: the system can take none of it back."""
        return self._status("RssAnon")

    def _status(self, name: str) -> int:
        (worker,) = self.workers()
        lines = Path(f"/proc/{worker}/status").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith(f"{name}:")]
        return int(line.split()[1]) * 1024

    def kill_workers(self) -> None:
        """Kill every worker as if by `kill -9`; gunicorn starts others."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)


@contextmanager
def served(
    data: Path,
    people: tuple[str, ...],
    *,
    workers: int = 1,
    database_url: str | None = None,
    settings: str = "console.settings",
) -> Iterator[Served]:
    """Serve with accounts for `people` until the block ends, from a new database unless one is given."""
    environment = {**os.environ, "DATA_DIR": str(data), "DEMO": "0", "SECRET_KEY": secrets.token_hex(32)}
    environment |= {"DJANGO_SETTINGS_MODULE": settings, "WEB_WORKERS": str(workers), "LOG_LEVEL": "ERROR"}
    # The socket listens before the server does, so the first request waits for it and nobody has to try again.
    with (
        _database(environment, database_url) as environment,
        socket.create_server(("127.0.0.1", 0), backlog=1024) as listening,
    ):
        descriptor = listening.fileno()
        environment["PUBLIC_URL"] = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, "-m", "gunicorn", "--config", "python:console.server.gunicorn_config"]
        command += ["--bind", f"fd://{descriptor}", "--access-logfile", "/dev/null"]
        run = Served(listening.getsockname()[1], environment, {}, None)  # type: ignore[arg-type]  # comes below
        migrate(environment)
        for name in people:
            made = run.manage(
                "create_account", name, "--email", f"{name}@example.com", "--password", secrets.token_hex(8), "--token"
            )
            run.tokens[name] = json.loads(made)["token"]
        run.process = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[descriptor])
        try:
            assert run.request("GET", "/healthz", who=people[0]).status == 200
            yield run
        finally:
            run.process.terminate()
            run.process.wait(60)


@contextmanager
def _database(environment: dict[str, str], given: str | None) -> Iterator[dict[str, str]]:
    """Name the given database in the environment, or a new one of the sort that the tests run on."""
    url = os.environ.get("DATABASE_URL")
    if given is not None or not url:
        yield {**environment, "DATABASE_URL": given or ""}
        return
    import psycopg

    name = f"latchkey_served_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
        try:
            yield {**environment, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
        finally:
            database.execute(f"DROP DATABASE {name} WITH (FORCE)")
