"""What clients that wait cost the others: `python -m tests.benchmarks.bench_waiting`.

200 clients follow the logs of runs, which print a line a second, and 200 wait for these runs to finish, all at once.
Another client asks for a run meanwhile, and before that, in turn: the time in which 95 of 100 of its requests are
answered is compared. Besides, the memory that the server's processes have to themselves is read.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles

from tests.benchmarks import databases
from tests.benchmarks.databases import Database
from tests.benchmarks.report import Reach, table
from tests.support.served import Served, served
from tests.support.threads import going_on
from tests.support.waiting_clients import Client, Jobs, ask

FOLLOWING, WAITING, RUNS = 200, 200, 10
SLOWER_AT_MOST, KILOBYTES_AT_MOST = 1.2, 100
KILOBYTE = 1000


def main(*, quick: bool = False) -> list[Reach]:
    """Measure on every database, print the tables, and return what was reached."""
    rounds, requests = (3, 100) if quick else (7, 500)
    reached = []
    for name, make in databases.available():
        with make() as database:
            alone, among, memory = _measure(database, rounds, requests)
        table(
            f"Clients that wait, with {name}: {FOLLOWING} follow logs and {WAITING} wait, medians of {rounds} rounds",
            ["", "alone", "among them", "ratio"],
            [["p95 of others, ms", f"{alone:.2f}", f"{among:.2f}", f"{among / alone:.2f}"]],
        )
        reached += [
            Reach(f"waiting, {name}: p95 of others, to that alone", among / alone, at_most=SLOWER_AT_MOST),
            Reach(f"waiting, {name}: kilobytes for each that waits", memory / KILOBYTE, at_most=KILOBYTES_AT_MOST),
        ]
    return reached


def _measure(database: Database, rounds: int, requests: int) -> tuple[float, float, float]:
    """Return p95 in milliseconds alone and among those that wait, and the bytes for each of these."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="latchkey-bench-")))
        url = database.environment["DATABASE_URL"]
        server = stack.enter_context(served(directory, ("ada",), workers=2, database_url=url))
        jobs = Jobs(server)
        stack.callback(jobs.close)
        runs = [jobs.do("make", "ada") for _ in range(RUNS)]
        _p95(server, runs[0], requests)
        pairs, memory = [], []
        for _ in range(rounds):
            alone, before = _p95(server, runs[0], requests), _own_memory(server)
            with _waiting(server, runs), _printing(jobs, runs):
                among = _p95(server, runs[0], requests)
                memory.append((_own_memory(server) - before) / (FOLLOWING + WAITING))
            pairs.append((alone, among))
    return median(alone for alone, _ in pairs), median(among for _, among in pairs), max(memory)


@contextmanager
def _waiting(server: Served, runs: list[str]) -> Iterator[None]:
    """Have all of them wait as long as the block lasts."""
    clients: list[Client] = []
    for number in range(FOLLOWING):
        client = ask(server, f"/v2/logs/{runs[number % RUNS]}?stream=1")
        client.read_until(b"\r\n\r\n")
        clients.append(client)
    clients += [ask(server, f"/v2/actor-runs/{runs[number % RUNS]}?waitForFinish=60") for number in range(WAITING)]
    try:
        yield
    finally:
        for client in clients:
            client.socket.close()


@contextmanager
def _printing(jobs: Jobs, runs: list[str]) -> Iterator[None]:
    """Have each run print a line a second as long as the block lasts."""

    def go(stop: threading.Event) -> None:
        while not stop.wait(1):
            for run in runs:
                jobs.do("print", run, "2026-01-01T00:00:00.000Z one more line of a log\n")

    with going_on(go):
        yield


def _p95(server: Served, run: str, requests: int) -> float:
    """Return the milliseconds within which 95 of 100 requests are answered."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    times = []
    for _ in range(requests):
        start = time.perf_counter()
        connection.request("GET", f"/v2/actor-runs/{run}", headers={"Authorization": f"Bearer {server.tokens['ada']}"})
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - start) * 1000)
        assert answer.status == 200
    connection.close()
    return quantiles(times, n=20)[-1]


def _own_memory(server: Served) -> int:
    """Return the bytes that the server's processes have to themselves."""
    found = 0
    for worker in server.workers():
        lines = Path(f"/proc/{worker}/status").read_text().splitlines()
        found += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))
    return found


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
