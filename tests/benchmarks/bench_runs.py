"""Lists of runs with more than a million runs in the database: `python -m tests.benchmarks.bench_runs`.

Each is a page of 50 over HTTP, with its total, as scripts and browsers ask for it, in the process itself: of one's own,
of an owner's that one may view, and of users' that are shared with an Actor's creator (tests/benchmarks/runs_data.py
says whose they are); by everything, Actor, task, status and time; on SQLite and, where there is one, on PostgreSQL.
"""

import json
import os
import subprocess
import sys

from tests.benchmarks import databases
from tests.benchmarks.report import Reach, table

AT_MOST_MS = 50
FULL, QUICK = 1_000_000, 20_000


def main(*, quick: bool = False) -> list[Reach]:
    """Measure, print the table, and return what was reached."""
    count = QUICK if quick else FULL
    figures: dict[str, dict[str, float]] = {}
    for name, make in databases.available():
        with make() as database:
            environment = {**database.environment, "DJANGO_SETTINGS_MODULE": "console.settings"}
            figures[name] = _measure(environment, count)
    labels = list(next(iter(figures.values())))
    table(
        f"Lists of runs: milliseconds for a page and its total, {count:,} runs of ada and a fifth as many of others",
        ["", *figures],
        [[label, *(f"{of[label]:.1f}" for of in figures.values())] for label in labels],
    )
    return [
        Reach(f"runs, {name}: {label}, ms", of[label], at_most=AT_MOST_MS)
        for name, of in figures.items()
        for label in labels
    ]


def _measure(environment: dict[str, str], count: int) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.runs_ours", str(count)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
