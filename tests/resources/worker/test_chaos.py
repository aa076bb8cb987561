"""Workers that get SIGTERM and SIGKILL at any moment, while their runs count, start others and wait for these.

CHAOS_ROUNDS says how often, 3 times by default. In each round two workers have three runs, and one of them is ended, or
both in turn: before any of the runs has begun, or when so and so many of their programs have. The other worker, or the
next ones, bring all of them to their end.
"""

import json
import os
import random
import re
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from resources.sandbox import processes
from tests.support.chaos_actor import MAIN
from tests.support.killable_server import ROOT, Connection, Server, account_with_token, killable_server
from tests.support.migrated import migrate
from tests.support.work_stage import needs_bubblewrap

pytestmark = needs_bubblewrap  # without it, what a program has started may outlive the worker

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "3"))
# One counts, one starts another one, and one starts another one that starts another one.
PARTS = [{"part": "counts"}, {"part": "starts", "depth": 1}, {"part": "starts", "depth": 2}]
MOST_PROGRAMS = 6
SECONDS = 120


class Hub:
    """Where the programs of runs say that they are there; it keeps them until it lets them go."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._said = 0
        self._lets_go = False
        self._changed = threading.Condition()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._ends, self._ending = os.pipe()
        self._selector.register(self._ends, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._attend)
        self._thread.start()

    def hold(self) -> None:
        """Keep the programs that come from now on, and count them anew."""
        with self._changed:
            self._lets_go, self._said = False, 0

    def let_go(self) -> None:
        """Let all programs go, and those that come later."""
        with self._changed:
            self._lets_go = True
            for each in self._open:
                self._send(each)

    def wait_for(self, programs: int) -> None:
        """Return when so many programs have come since `hold`."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._said >= programs, SECONDS)

    def wait_until_alone(self) -> None:
        """Return when none of the programs that came is alive."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._open, SECONDS)

    def close(self) -> None:
        """End."""
        os.write(self._ending, b".")
        self._thread.join()
        for each in (self._listening, *self._open):
            each.close()
        os.close(self._ends)
        os.close(self._ending)

    def _attend(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._ends:
                    return
                with self._changed:
                    self._take(key.fileobj)  # type: ignore[arg-type]  # a socket
                    self._changed.notify_all()

    def _take(self, ready: socket.socket) -> None:
        if ready is self._listening:
            connection, _ = self._listening.accept()
            self._open.add(connection)
            self._selector.register(connection, selectors.EVENT_READ)
            return
        try:
            said = ready.recv(1000)
        except ConnectionError:
            said = b""
        if not said:
            self._selector.unregister(ready)
            self._open.discard(ready)
            ready.close()
            return
        self._said += said.count(b"\n")
        if self._lets_go:
            self._send(ready)

    def _send(self, connection: socket.socket) -> None:
        try:
            connection.sendall(b"go")
        except OSError:  # it has just ended
            return


class Stage:
    """A server that stays, workers that come and go, and an Actor whose runs they have."""

    def __init__(self, server: Server, hub: Hub) -> None:
        self.server, self.hub = server, hub
        self.data = Path(server.environment["DATA_DIR"])
        token = account_with_token(server, "ada")
        server.start()
        self.api = Connection(server.port, token)
        self._environment = {
            **server.environment,
            "PUBLIC_URL": f"http://127.0.0.1:{server.port}",
            "RUN_NETWORK_ALLOW": f"127.0.0.1:{hub.port}",
            "WORKER_LEASE_SECS": "6",
            "WORKER_GRACE_SECS": "2",
            "WORKER_EVENT_GRACE_SECS": "0.5",
        }
        source = {"name": "main.py", "format": "TEXT", "content": MAIN.format(port=hub.port)}
        version = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": [source]}
        self._actor = self.api.json("POST", "actors", {"name": "chaos", "versions": [version]})["id"]

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Return a worker that has begun to work."""
        command = [sys.executable, "manage.py", "worker", "--jobs", "3"]
        worker = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE)
        assert worker.stdout is not None
        assert b"ready" in worker.stdout.readline()
        threading.Thread(target=worker.stdout.read, daemon=True).start()  # so that it never waits for a reader
        return worker

    def build(self) -> None:
        """Have the Actor built by a worker that is there."""
        made = self.api.json("POST", f"actors/{self._actor}/builds?version=0.1&tag=latest&waitForFinish=60")
        assert made["status"] == "SUCCEEDED"

    def start_runs(self) -> list[str]:
        """Start a run of each part, the first two to be begun anew where their worker is lost."""
        query = "restartOnError={}&memory=512"
        return [
            self.api.json("POST", f"actors/{self._actor}/runs?{query.format(int(number < 2))}", part)["id"]
            for number, part in enumerate(PARTS)
        ]

    def run(self, run_id: str) -> dict:
        """Return what the API says of a run."""
        found: dict = self.api.json("GET", f"actor-runs/{run_id}")
        return found

    def runs(self) -> list[dict]:
        """Return all runs, those that runs have started, too."""
        return [self.run(each["id"]) for each in self.api.json("GET", f"actors/{self._actor}/runs?limit=1000")["items"]]

    def wait_until_claimed(self, runs: list[str]) -> None:
        """Return when a worker has one of the runs."""
        until = time.monotonic() + SECONDS
        while all(self.run(run)["status"] == "READY" for run in runs):
            assert time.monotonic() < until

    def wait_for_the_end(self) -> None:
        """Return when no run is READY or RUNNING."""
        until = time.monotonic() + SECONDS
        while going := self.api.json("GET", f"actors/{self._actor}/runs?status=READY,RUNNING&limit=1")["items"]:
            self.api.json("GET", f"actor-runs/{going[0]['id']}?waitForFinish=5")
            assert time.monotonic() < until, self.log(going[0]["id"])

    def log(self, run_id: str) -> str:
        """Return the log of a run."""
        return self.api.ask("GET", f"logs/{run_id}")[2].decode()

    def count_left_sandboxes(self) -> int:
        """Return how many processes see a directory of a run."""
        seen, found = str(self.data / "runs"), 0
        for each in Path("/proc").glob("[0-9]*/mountinfo"):
            try:
                found += seen in each.read_text()
            except OSError:
                continue
        return found


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    with killable_server(tmp_path) as server:
        migrate(server.environment)
        hub = Hub()
        try:
            yield Stage(server, hub)
        finally:
            hub.close()


def end(worker: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """End a worker; return when it and all that it has started are gone."""
    opened = []
    for pid in processes.process_tree(worker.pid):
        try:
            opened.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
    worker.send_signal(number)
    assert worker.wait(SECONDS) == (0 if number == signal.SIGTERM else -number)
    for each in opened:
        with selectors.DefaultSelector() as selector:
            selector.register(each, selectors.EVENT_READ)
            assert selector.select(SECONDS), "A process has outlived its worker."
        os.close(each)


def counted(log: str) -> list[tuple[list[int], bool]]:
    """Return what each program has counted, from where it began on, and whether it was told that it moves."""
    parts: list[tuple[list[int], bool]] = []
    for word, number in re.findall(r" (from|count|moving)(?: (\d+))?\n", log):
        if word == "from":
            parts.append(([int(number)], False))
        elif word == "count":
            parts[-1][0].append(int(number))
        else:
            parts[-1] = (parts[-1][0], True)
    return parts


def check_counts(log: str) -> None:
    """A program that was told in time lost nothing, and none begins before the one before it did."""
    parts = counted(log)
    for (before, told), (after, _) in pairwise(parts):
        assert after[0] >= before[0], log
        assert not told or after[0] == before[-1], log


@dataclass(frozen=True)
class Ending:
    """How the workers of one round end: by which signals, the second one too or not, and beside others or not."""

    programs: int
    first: signal.Signals
    second: signal.Signals | None
    is_replaced_between: bool

    @classmethod
    def choose(cls, chosen: random.Random) -> "Ending":
        """Return one by chance."""
        either = [signal.SIGTERM, signal.SIGKILL]
        return cls(
            chosen.randrange(MOST_PROGRAMS),
            chosen.choice(either),
            chosen.choice([None, *either]),
            chosen.random() < 0.5,
        )

    @property
    def signals(self) -> list[signal.Signals]:
        """What is sent, in this order."""
        return [self.first] if self.second is None else [self.first, self.second]


Workers = list[subprocess.Popen[bytes]]


def end_workers(stage: Stage, workers: Workers, ending: Ending) -> Workers:
    """End one of two workers, or both in turn; return the two that are there then."""
    first, second = workers
    end(first, ending.first)
    if ending.second is None:
        return [second, stage.start_worker()]
    between = [stage.start_worker()] if ending.is_replaced_between else []
    end(second, ending.second)
    if not between:
        stage.hub.wait_until_alone()
        assert stage.count_left_sandboxes() == 0
    return [*between, *(stage.start_worker() for _ in range(2 - len(between)))]


def play_round(stage: Stage, workers: Workers, ending: Ending) -> Workers:
    """End workers amid their runs, and have the others bring these to their end; return those that are there then."""
    stage.hub.hold()
    runs = stage.start_runs()
    stage.hub.wait_for(ending.programs) if ending.programs else stage.wait_until_claimed(runs)
    workers = end_workers(stage, workers, ending)
    stage.hub.let_go()
    stage.wait_for_the_end()
    counting, begun_anew, plain = map(stage.run, runs)
    assert [counting["status"], begun_anew["status"]] == ["SUCCEEDED", "SUCCEEDED"], (ending, runs)
    assert plain["status"] == "SUCCEEDED" or (
        signal.SIGKILL in ending.signals and plain["statusMessage"] == "The worker that had this is gone."
    ), (ending, plain)
    check_counts(stage.log(counting["id"]))
    moves = [run["stats"].get("migrationCount", 0) for run in (counting, begun_anew, plain)]
    names = " and ".join(each.name for each in ending.signals)
    print(f"{names} with {ending.programs} programs: {plain['status']}, moves {moves}")  # seen with pytest -s
    return workers


def test_nothing_is_lost_stuck_or_left_whenever_workers_end(stage):
    workers = [stage.start_worker(), stage.start_worker()]
    stage.build()
    for number in range(ROUNDS):
        workers = play_round(stage, workers, Ending.choose(random.Random(number)))
    for each in workers:
        end(each, signal.SIGTERM)
    stage.hub.wait_until_alone()
    assert stage.count_left_sandboxes() == 0
    assert {run["status"] for run in stage.runs()} <= {"SUCCEEDED", "FAILED"}
    worker = stage.start_worker()  # which first clears away what the ones that were killed have left
    until = time.monotonic() + SECONDS
    while left := list((stage.data / "runs").iterdir()):
        assert time.monotonic() < until, left
    end(worker, signal.SIGTERM)
    assert stage.server.manage("check_data") is not None
    held = [run["id"] for run in stage.runs() if run["status"] in ("READY", "RUNNING")]
    assert not held, json.dumps(held)
