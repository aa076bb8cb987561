"""From a call of the API to the first line of a run's Actor: `python -m tests.benchmarks.bench_starts`.

An Actor prints what time it is as its first line, with the server and a worker on this machine. It is started by the
API when the worker has its build already (warm) and when it has first to write it (cold), and by hand, as a process
with the same interpreter. The three are started in turn.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.benchmarks import databases
from tests.benchmarks.databases import Database
from tests.benchmarks.report import Reach, table
from tests.support.served import ROOT, Served, served

MAIN = "import time\nprint('began', time.time(), flush=True)\n"
_BEGAN = re.compile(r"began ([0-9.]+)")


def main(*, quick: bool = False) -> list[Reach]:
    """Measure on every database and print the tables. Nothing has to be reached: the figures are there to be seen."""
    rounds = 3 if quick else 9
    for name, make in databases.available():
        with make() as database:
            by_hand, warm, cold = _measure(database, rounds)
        table(
            f"Start of a run with {name}: milliseconds to the Actor's first line, medians of {rounds} rounds",
            ["", "ms", "of that by hand"],
            [
                [label, f"{figure * 1000:.0f}", f"{figure / by_hand:.1f}"]
                for label, figure in (("by hand", by_hand), ("by the API, warm", warm), ("by the API, cold", cold))
            ],
        )
    return []


def _measure(database: Database, rounds: int) -> tuple[float, float, float]:
    """Return the seconds by hand, warm and cold."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as directory:
        script = Path(directory) / "main.py"
        script.write_text(MAIN)
        data = Path(directory) / "data"
        url = database.environment["DATABASE_URL"]
        with served(data, ("bench",), workers=2, database_url=url) as server, _worker(server):
            actor = _build(server)
            _start(server, actor)
            times = []
            for _ in range(rounds):
                by_hand, warm = _start_by_hand(script), _start(server, actor)
                for build in (data / "builds").iterdir():
                    shutil.rmtree(build)
                times.append((by_hand, warm, _start(server, actor)))
    by_hand, warm, cold = (median(each) for each in zip(*times, strict=True))
    return by_hand, warm, cold


@contextmanager
def _worker(server: Served) -> Iterator[None]:
    worker = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=server.environment)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def _build(server: Served) -> str:
    source = {"name": "main.py", "format": "TEXT", "content": MAIN}
    version = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": [source]}
    actor: str = _ask(server, "POST", "/v2/actors", {"name": "begins", "versions": [version]})["id"]
    build = _ask(server, "POST", f"/v2/actors/{actor}/builds?version=0.1&tag=latest&waitForFinish=60")
    assert build["status"] == "SUCCEEDED", build
    return actor


def _start(server: Served, actor: str) -> float:
    start = time.time()
    run = _ask(server, "POST", f"/v2/actors/{actor}/runs?memory=256")["id"]
    ended = _ask(server, "GET", f"/v2/actor-runs/{run}?waitForFinish=60")
    assert ended["status"] == "SUCCEEDED", ended
    return _find_beginning(server.request("GET", f"/v2/logs/{run}", who="bench").read().decode()) - start


def _start_by_hand(script: Path) -> float:
    start = time.time()
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=True)
    return _find_beginning(done.stdout) - start


def _find_beginning(text: str) -> float:
    found = _BEGAN.search(text)
    assert found, text
    return float(found[1])


def _ask(server: Served, method: str, path: str, value: object = None) -> dict[str, str]:
    body = None if value is None else json.dumps(value).encode()
    answer = server.request(method, path, body, who="bench").read()
    data: dict[str, str] = json.loads(answer)["data"]
    return data


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
