"""Workers in processes of their own: killed, or asked to end, in the middle of runs and builds; the server, too."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.killable_server import ROOT, Connection, Server, account_with_token, killable_server
from tests.support.machine import check_programs
from tests.support.migrated import migrate
from tests.support.work_stage import needs_bubblewrap

# Installing waits until it is told to go on. Nothing is fetched from anywhere.
WAITS_WHEN_BUILT = """
const connection = require("net").connect({port}, "127.0.0.1", () => connection.write("ready"));
connection.on("data", () => process.exit(0));
"""

pytestmark = needs_bubblewrap  # without it, programs die with the worker too, but those that they started may not


class Workers:
    """A database, workers that come and go, and a socket that their runs connect to."""

    def __init__(self, server: Server, listening: socket.socket) -> None:
        self.server = server
        self._listening = listening
        self._environment = {**server.environment, "WORKER_LEASE_SECS": "1", "WORKER_GRACE_SECS": "1"}
        self._environment["RUN_NETWORK_ALLOW"] = f"127.0.0.1:{listening.getsockname()[1]}"

    def ask(self, *arguments: str):
        command = [sys.executable, "-m", "tests.support.other_worker", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, timeout=120, check=True)
        return json.loads(done.stdout)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "worker", "--jobs", "2"]
        return subprocess.Popen(command, cwd=ROOT, env=self._environment | environment, stdout=subprocess.PIPE)

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
        migrate(server.environment)
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
    assert (after["status"], after["restarts"], after["moves"], after["worker"]) == ("READY", 1, 1, "")
    assert after["log"].count("Starting build") == 2


def test_a_schedule_fires_once_each_minute_while_workers_are_restarted(workers, tmp_path):
    clock, noon = tmp_path / "clock", datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    minutes = [noon + timedelta(minutes=minute) for minute in range(6)]
    schedule = workers.ask("schedule", str(workers._listening.getsockname()[1]), noon.isoformat())

    def reach(minute: datetime) -> None:
        later = tmp_path / "later"
        later.write_text(minute.isoformat())
        later.rename(clock)  # so that nobody reads half of it

    def start() -> subprocess.Popen[bytes]:
        worker = workers.start(CLOCK=str(clock), DJANGO_SETTINGS_MODULE="tests.support.clock_settings")
        assert worker.stdout is not None
        assert b"ready" in worker.stdout.readline()
        return worker

    reach(noon - timedelta(seconds=1))
    worker = start()
    for number, minute in enumerate(minutes):
        reach(minute)
        assert gone(workers.connected())
        if number == 1:  # the next one must know what this one has fired
            worker.kill()
            worker.wait(60)
            worker = start()
        if number == 3:  # as a deployment does: the new one is there before the old one ends
            worker, old = start(), worker
            assert ends(old)
    assert ends(worker)
    assert workers.ask("fired", schedule) == [minute.isoformat() for minute in minutes]


@pytest.fixture
def builds(workers) -> Iterator["Builds"]:
    check_programs("npm")
    yield (builds := Builds(workers))
    builds.connection.close()


class Builds:
    """An Actor of ada's whose builds wait when they install, and what its API says of them."""

    def __init__(self, workers: Workers) -> None:
        self.server = workers.server
        self._token = account_with_token(self.server, "ada")
        self.start_server()
        package = {"scripts": {"preinstall": "node wait.js"}, "dependencies": {"beside": "file:./beside"}}
        files = {
            "package.json": json.dumps(package),
            "wait.js": WAITS_WHEN_BUILT.format(port=workers._listening.getsockname()[1]),
            "beside/package.json": '{"name": "beside", "version": "1.0.0"}',
            "main.js": "",
        }
        sources = [{"name": name, "format": "TEXT", "content": text} for name, text in files.items()]
        version = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": sources}
        self._actor = self.connection.json("POST", "actors", {"name": "waits", "versions": [version]})["id"]

    def start_server(self) -> None:
        self.server.start()
        self.connection = Connection(self.server.port, self._token)

    def kill_server(self) -> None:
        self.server.kill()
        self.server.wait_until_dead()
        self.connection.close()

    def build(self) -> str:
        return self.connection.json("POST", f"actors/{self._actor}/builds?version=0.1&tag=latest")["id"]

    def ended(self, build: str) -> tuple[str, str]:
        """Wait for a build, and return its status and its log."""
        about = self.connection.json("GET", f"actor-builds/{build}?waitForFinish=60")
        return about["status"], self.connection.ask("GET", f"logs/{build}")[2].decode()

    def tagged(self) -> str | None:
        """Return the build that a run would start."""
        tagged = self.connection.json("GET", f"actors/{self._actor}").get("taggedBuilds") or {}
        return tagged["latest"]["buildId"] if "latest" in tagged else None


def ends(worker: subprocess.Popen[bytes]) -> bool:
    worker.send_signal(signal.SIGTERM)
    return worker.wait(60) == 0


def test_a_build_outlives_the_server(workers, builds):
    build = builds.build()
    worker = workers.start(WORKER_LEASE_SECS="60")  # its lease is not what this is about
    waiting = workers.connected()
    builds.kill_server()
    waiting.sendall(b"go")
    assert gone(waiting)
    builds.start_server()
    status, log = builds.ended(build)
    assert status == "SUCCEEDED", log
    assert "Built 4 source files." in log
    assert builds.tagged() == build
    assert ends(worker)


def test_a_build_that_dies_with_worker_and_server_is_over_and_the_next_one_is_made(workers, builds):
    build = builds.build()
    worker = workers.start()
    waiting = workers.connected()
    worker.send_signal(signal.SIGKILL)
    builds.kill_server()
    assert worker.wait(60) == -signal.SIGKILL
    assert gone(waiting)

    builds.start_server()
    assert workers.ask("care") == 1
    status, log = builds.ended(build)
    assert (status, builds.tagged()) == ("FAILED", None)
    assert "The worker that had this is gone" in log

    again = builds.build()
    worker = workers.start()
    waiting = workers.connected()
    waiting.sendall(b"go")
    assert gone(waiting)
    status, log = builds.ended(again)
    assert (status, builds.tagged()) == ("SUCCEEDED", again), log
    assert ends(worker)
