"""Requests per second on gunicorn: `python -m tests.benchmarks.bench_requests`.

An authorized page of 20 items (token to bytes: the token is resolved, the resource fetched, access decided by a
grant, and the items cut out of their chunk) against an empty Django view without any middleware. Both servers are
the same gunicorn with the same configuration, run at the same time and are asked in turn.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from tests.benchmarks import databases
from tests.benchmarks.databases import Database
from tests.benchmarks.load import requests_per_second, tool
from tests.benchmarks.report import Reach, table
from tests.support.ports import free_port

CONNECTIONS = (1, 8)
# By the database and the number of connections.
SHARES_OF_EMPTY = {"SQLite": {8: 0.6}, "PostgreSQL": {1: 0.5, 8: 0.35}}
WORKERS, THREADS = 2, 4
STARTUP_SECONDS = 60


def main(*, quick: bool = False) -> list[Reach]:
    """Measure on every database, print the tables, and return what was reached."""
    rounds, seconds = (3, 1) if quick else (7, 3)
    reached = []
    for name, make in databases.available():
        with make() as database:
            rates = _measure(database, rounds, seconds)
        table(
            f"Requests per second with {name}, {WORKERS} workers of {THREADS} threads, load by {tool()}: "
            f"medians of {rounds} rounds",
            ["connections", "empty view", "20 items, authorized", "share"],
            [
                [str(connections), f"{empty:.0f}", f"{items:.0f}", f"{items / empty:.2f}"]
                for connections, (empty, items) in rates.items()
            ],
        )
        for connections, share in SHARES_OF_EMPTY[name].items():
            empty, items = rates[connections]
            what = f"requests, {name}, {connections} connections: share of an empty view's rate"
            reached.append(Reach(what, items / empty, at_least=share))
    return reached


def _measure(database: Database, rounds: int, seconds: float) -> dict[int, tuple[float, float]]:
    environment = {
        **os.environ,
        **database.environment,
        "DJANGO_SETTINGS_MODULE": "console.settings",
        "ACCESS_LOG": "0",
        "WEB_WORKERS": str(WORKERS),
        "WEB_THREADS": str(THREADS),
    }
    made = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.requests_data"], env=environment, stdout=subprocess.PIPE, check=True
    )
    data = json.loads(made.stdout.splitlines()[-1])
    token = {"Authorization": f"Bearer {data['token']}"}
    with (
        serving("tests.benchmarks.empty_view:application", environment) as empty,
        serving("console.wsgi:application", environment) as ours,
    ):
        empty_url, items_url = f"{empty}/", f"{ours}/v2/datasets/{data['dataset']}/items?limit=20"
        _expect(empty_url, {}, 0)
        _expect(items_url, token, 20)
        rates = {}
        for connections in CONNECTIONS:
            pairs = [
                (
                    requests_per_second(empty_url, {}, connections=connections, seconds=seconds),
                    requests_per_second(items_url, token, connections=connections, seconds=seconds),
                )
                for _ in range(rounds)
            ]
            rates[connections] = (median(pair[0] for pair in pairs), median(pair[1] for pair in pairs))
        return rates


@contextmanager
def serving(application: str, environment: dict[str, str]) -> Iterator[str]:
    """Run gunicorn with our configuration on a free port until the block ends, and return its address."""
    port = free_port()
    is_ours = application == "console.wsgi:application"
    config = "console.server.gunicorn_config" if is_ours else "tests.benchmarks.other_gunicorn_config"
    command = [sys.executable, "-m", "gunicorn", "--config", f"python:{config}", application]
    process = subprocess.Popen(
        command, env={**environment, "HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "WARNING"}
    )
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait_for(port: int) -> None:
    """Return when something listens on a port of this machine."""
    until = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("The server did not start.")


def _expect(url: str, headers: dict[str, str], items: int) -> None:
    """Make sure that the server answers with what it is timed for, from each worker."""
    for _ in range(20):
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=STARTUP_SECONDS) as answer:
            body = answer.read()
        assert (len(json.loads(body)) if body else 0) == items


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
