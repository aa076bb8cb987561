"""Request queues against crawlee's SQL storage client: `python -m tests.benchmarks.bench_queue`.

One worker adds requests in batches of 25 and one by one, then fetches and handles them all: by Latchkey on SQLite and,
where there is one, on PostgreSQL, and by crawlee on an SQLite file. Latchkey starts from the JSON text of an API call,
crawlee from objects. crawlee may lose its last transactions with the power (SQLite's `synchronous=NORMAL`); Latchkey as
it is shipped may not (`FULL`), and so it waits for the disk each time. It is measured as shipped, and compared under
crawlee's condition. The two take turns, and of each figure the better one counts.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.benchmarks import databases, queue_plan
from tests.benchmarks.databases import Database
from tests.benchmarks.report import Reach, table

Figures = dict[str, float]
ROUNDS = 2
TIMES_FASTER = 3
LIKE_CRAWLEE = "SQLite, like crawlee's"
ROWS = (
    ("added in batches of 25", "add_batch"),
    ("added one by one", "add_one"),
    ("fetched and handled", "fetch_and_handle"),
)


def main(*, quick: bool = False) -> list[Reach]:
    """Measure both sides, print the table, and return what was reached."""
    count = queue_plan.QUICK if quick else queue_plan.FULL
    ours: dict[str, Figures] = {}
    crawlee: Figures = {}
    for _ in range(1 if quick else ROUNDS):
        for name, make in databases.available():
            for durable in (True, False) if name == "SQLite" else (True,):
                column = name if durable else LIKE_CRAWLEE
                ours[column] = _better(ours.get(column, {}), _ours(make, count, durable))
        crawlee = _better(crawlee, _measure("queue_crawlee", {}, str(count)))
    table(
        f"Request queue: requests per second, {count:,} in all",
        ["", "crawlee", *ours, "ratio", "ratio as shipped"],
        [
            [
                label,
                f"{crawlee[key]:,.0f}",
                *(f"{figures[key]:,.0f}" for figures in ours.values()),
                f"{ours[LIKE_CRAWLEE][key] / crawlee[key]:.1f}",
                f"{ours['SQLite'][key] / crawlee[key]:.1f}",
            ]
            for label, key in ROWS
        ],
    )
    return [
        Reach(
            f"queue, SQLite: {label}, times faster than crawlee",
            ours[LIKE_CRAWLEE][key] / crawlee[key],
            at_least=TIMES_FASTER,
        )
        for label, key in ROWS
    ]


def _ours(make: Callable[[], AbstractContextManager[Database]], count: int, durable: bool) -> Figures:
    with make() as database:
        environment = {**database.environment, "DJANGO_SETTINGS_MODULE": "console.settings"}
        return _measure("queue_ours", environment, str(count), "durable" if durable else "like-crawlee")


def _measure(module: str, environment: dict[str, str], *arguments: str) -> Figures:
    """Run one side in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _better(one: Figures, other: Figures) -> Figures:
    return {key: max(value, one.get(key, value)) for key, value in other.items()}


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
