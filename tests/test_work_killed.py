"""Workers in processes of their own: killed, or asked to end, in the middle of runs."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.killable_server import ROOT, Server, killable_server
from tests.work_stage import needs_bubblewrap

pytestmark = needs_bubblewrap  # without it, programs die with the worker too, but those that they started may not


class Workers:
    """A database, workers that come and go, and a socket that their runs connect to."""

    def __init__(self, server: Server, listening: socket.socket) -> None:
        self.server = server
        self._listening = listening
        self._environment = {**server.environment, "WORKER_LEASE_SECS": "1", "WORKER_GRACE_SECS": "1"}

    def ask(self, *arguments: str):
        command = [sys.executable, "-m", "tests.other_worker", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, timeout=120, check=True)
        return json.loads(done.stdout)

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "worker", "--jobs", "2"]
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE)

    def connected(self) -> socket.socket:
        """Return the connection of the next run that is really running."""
        connection, _ = self._listening.accept()
        connection.settimeout(60)
        assert connection.recv(5) == b"ready"
        return connection


def gone(connection: socket.socket) -> bool:
    """Wait until the program at the other end is no more."""
    with connection:
        return connection.recv(1) == b""


@pytest.fixture
def workers(tmp_path) -> Iterator[Workers]:
    with killable_server(tmp_path) as server, socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        server.manage("migrate", "--verbosity=0")
        yield Workers(server, listening)


def test_runs_outlive_neither_their_worker_nor_get_stuck(workers):
    port = str(workers._listening.getsockname()[1])
    plain, restarted = workers.ask("make", port)
    first = workers.start()
    connections = [workers.connected(), workers.connected()]
    first.send_signal(signal.SIGKILL)
    assert first.wait(60) == -signal.SIGKILL
    assert all(gone(connection) for connection in connections)

    assert workers.ask("care") == 2
    after = workers.ask("show", plain)
    assert (after["status"], after["worker"]) == ("FAILED", "the next one")
    assert "The worker that had this is gone" in after["log"]
    assert workers.ask("show", restarted)["status"] == "READY"

    second = workers.start()
    again = workers.connected()
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert gone(again)
    after = workers.ask("show", restarted)
    assert (after["status"], after["restarts"], after["worker"]) == ("READY", 1, "")
    assert after["log"].count("Starting build") == 2
