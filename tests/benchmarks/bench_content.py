"""The content of datasets against crawlee's SQL storage client: `python -m tests.benchmarks.bench_content`.

100,000 items of about 1 KB are pushed in batches of 1,000 and read back: by Latchkey on SQLite and, where there is
one, on PostgreSQL, and by crawlee on an SQLite file. Each takes what it gets and gives what it has: Latchkey
the JSON text that goes over the wire, crawlee Python objects. Neither is charged for the other's form. The two
take turns, and of each figure the better one counts, so that a busy moment of the machine is nobody's fault.

crawlee may lose its last transactions with the power (SQLite's `synchronous=NORMAL`); Latchkey as it is shipped may not
(`FULL`), and waits for the disk with each push. Its pushes are measured under both conditions, and have to reach the
same under each.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import content_data, databases
from tests.benchmarks.report import Reach, table

Figures = dict[str, float]
MEGABYTE = 1e6
ROUNDS = 2
LIKE_CRAWLEE = "SQLite, like crawlee's"
TIMES_FASTER = 6

ROWS = (
    ("push all, s", "push", 1),
    ("push all, s of processor", "push_cpu", 1),
    ("read all in pages of 1,000, s", "read", 1),
    ("read all in one stream, s", "stream", 1),
    ("page of 1,000 from anywhere, ms", "page", 1),
    ("page of 20 from anywhere, ms", "small", 1),
    ("page of 20 from the front, ms", "front", 1),
    ("disk, MB", "disk", MEGABYTE),
    ("memory above idle while streaming, MB", "memory", MEGABYTE),
    ("CSV of all, s", "csv", 1),
    ("push of one item, ms", "single", 1),
    ("chunks left by 500 of these", "chunks", 1),
    ("delete, s", "delete", 1),
)


def main(*, quick: bool = False) -> list[Reach]:
    """Measure both sides, print the table, and return what was reached."""
    with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as directory:
        payloads = Path(directory) / "payloads.jsonl"
        content_data.write(payloads, content_data.QUICK if quick else content_data.FULL)
        ours: dict[str, Figures] = {}
        crawlee: Figures = {}
        for _ in range(1 if quick else ROUNDS):
            for name, make in databases.available():
                with make() as database:
                    environment = {**database.environment, "DJANGO_SETTINGS_MODULE": "console.settings"}
                    figures = _measure("content_ours", environment, "write", str(payloads))
                    figures |= _measure("content_ours", environment, "read")
                ours[name] = _better(ours.get(name, {}), figures)
            with databases.sqlite() as database:
                environment = {**database.environment, "DJANGO_SETTINGS_MODULE": "console.settings"}
                figures = _measure("content_ours", environment, "write-like-crawlee", str(payloads))
            ours[LIKE_CRAWLEE] = _better(ours.get(LIKE_CRAWLEE, {}), figures)
            crawlee = _better(crawlee, _measure("content_crawlee", {}, str(payloads)))
    _print(crawlee, ours)
    _print_schemas(ours)
    return [reach for name, figures in ours.items() for reach in _reaches(name, figures, crawlee)]


def _measure(module: str, environment: dict[str, str], *arguments: str) -> Figures:
    """Run a part in a process of its own, so that its memory is its own too."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _better(one: Figures, other: Figures) -> Figures:
    return {key: min(value, one.get(key, value)) for key, value in other.items()}


def _print(crawlee: Figures, ours: dict[str, Figures]) -> None:
    sqlite = ours["SQLite"]
    count, size = sqlite["items"], sqlite["bytes"]
    table(
        f"Content: {count:,} items, {size / MEGABYTE:.0f} MB of JSON, {size / count:.0f} bytes each",
        ["", "crawlee", *ours, "ratio (SQLite)"],
        [
            [
                label,
                _cell(crawlee, key, scale),
                *(_cell(figures, key, scale) for figures in ours.values()),
                f"{crawlee[key] / sqlite[key]:.1f}" if key in crawlee else "",
            ]
            for label, key, scale in ROWS
        ],
    )


def _print_schemas(ours: dict[str, Figures]) -> None:
    table(
        "Pushes of 1,000 items, ms each: without a schema, and held to one",
        ["", "without", "with", "ratio"],
        [
            [
                name,
                _cell(figures, "batch_without", 1),
                _cell(figures, "batch_with", 1),
                f"{figures['batch_with'] / figures['batch_without']:.2f}",
            ]
            for name, figures in ours.items()
        ],
    )


def _cell(figures: Figures, key: str, scale: float) -> str:
    return f"{figures[key] / scale:.3f}" if key in figures else ""


def _reaches(database: str, ours: Figures, crawlee: Figures) -> list[Reach]:
    pushes = Reach(
        f"content, {database}: pushes, times faster than crawlee",
        crawlee["push"] / ours["push"],
        at_least=TIMES_FASTER,
    )
    if database == LIKE_CRAWLEE:
        return [pushes]
    reached = [
        Reach(f"content, {database}: a page of 1,000 from anywhere, milliseconds", ours["page"], at_most=5),
        Reach(f"content, {database}: megabytes above idle", ours["memory"] / MEGABYTE, at_most=64),
    ]
    if database == "SQLite":  # where both sides write to the same kind of file
        reached += [
            pushes,
            Reach("content, SQLite: reads, times faster than crawlee", crawlee["read"] / ours["read"], at_least=10),
            Reach("content, SQLite: disk, part of crawlee's", ours["disk"] / crawlee["disk"], at_most=0.25),
        ]
    return reached


if __name__ == "__main__":
    for each in main(quick="--quick" in sys.argv):
        print(each)
