"""Records in and out over HTTP: `python -m tests.benchmarks.bench_records`.

Records of 1 KB and 10 MB go through Latchkey (token, access, row, file; what is written is safe on the disk) and
through a Django view that does nothing but answer with a FileResponse, or write the body to a file. Both servers are
the same gunicorn with the same configuration, run at the same time and are asked in turn.

What is to be reached goes by that view, which may lose all of it with the power. What a view takes that has the file
safe on the disk before it answers, with no row in a database, is printed as well: a disk that others use at the same
time makes it many times slower, and Latchkey with it.
"""

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from tests.benchmarks import databases
from tests.benchmarks.bench_requests import serving
from tests.benchmarks.databases import Database
from tests.benchmarks.report import Reach, table
from tests.support.served import served

SIZES = {"1 KB": 1024, "10 MB": 10 * 1024 * 1024}
SMALL_IN, SMALL_IN_AT_MOST = "1 KB in", 3
_LARGE = 1024 * 1024
_OK = (200, 201)


def main(*, quick: bool = False) -> list[Reach]:
    """Measure on every database, print the tables, and return what was reached."""
    rounds = 3 if quick else 9
    reached = []
    for name, make in databases.available():
        with make() as database:
            rows = _measure(database, rounds)
        table(
            f"Records with {name}: milliseconds for each request on one connection, medians of {rounds} rounds",
            ["", "bare view", "bare view, synced", "Latchkey", "ratio", "ratio to synced"],
            [_shown(*row) for row in rows],
        )
        times = {what: ours / bare for what, bare, _, ours in rows}
        what = f"records, {name}: {SMALL_IN}, times a bare view"
        reached.append(Reach(what, times[SMALL_IN], at_most=SMALL_IN_AT_MOST))
    return reached


def _shown(what: str, bare: float, synced: float | None, ours: float) -> list[str]:
    by_synced = ("-", "-") if synced is None else (f"{synced:.3f}", f"{ours / synced:.2f}")
    return [what, f"{bare:.3f}", by_synced[0], f"{ours:.3f}", f"{ours / bare:.2f}", by_synced[1]]


def _measure(database: Database, rounds: int) -> list[tuple[str, float, float | None, float]]:
    """Return the milliseconds of each sort of request: of the bare view, of one that syncs what it writes, and ours."""
    rows: list[tuple[str, float, float | None, float]] = []
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as directory:
        data = Path(directory)
        url = database.environment["DATABASE_URL"]
        with served(data / "ours", ("bench",), workers=2, database_url=url) as ours:
            token = {"Authorization": f"Bearer {ours.tokens['bench']}"}
            store = json.loads(ours.request("POST", "/v2/key-value-stores", who="bench").read())["data"]["id"]
            record = f"{ours.url}/v2/key-value-stores/{store}/records/KEY"
            for name, size in SIZES.items():
                content = random.Random(size).randbytes(size)
                file = data / name.replace(" ", "-")
                file.write_bytes(content)
                with serving(
                    "tests.benchmarks.file_view:application", {**os.environ, "FILE": str(file), "ACCESS_LOG": "0"}
                ) as bare:
                    for method, body in (("PUT", content), ("GET", None)):
                        calls = [_caller(f"{bare}/", {}, method, body), _caller(record, token, method, body)]
                        calls += [_caller(f"{bare}/synced", {}, method, body)] if body else []
                        plain, full, *synced = _in_turn(calls, rounds, 200 if size < _LARGE else 10)
                        rows.append((f"{name} {'in' if body else 'out'}", plain, next(iter(synced), None), full))
    return rows


def _caller(url: str, headers: dict[str, str], method: str, body: bytes | None) -> Callable[[], None]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def call() -> None:
        connection.request(method, parts.path, body, headers)
        answer = connection.getresponse()
        while answer.readinto(_BUFFER):
            pass
        assert answer.status in _OK, answer.status

    return call


_BUFFER = bytearray(1024 * 1024)


def _in_turn(calls: list[Callable[[], None]], rounds: int, count: int) -> list[float]:
    """Return for each call the median over the rounds of the milliseconds that one takes."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for call, times in zip(calls, found, strict=True):
            start = time.perf_counter()
            for _ in range(count):
                call()
            times.append((time.perf_counter() - start) * 1000 / count)
    return [median(times[1:]) for times in found]


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
