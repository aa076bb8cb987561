"""Checks and lists against django-guardian, which is what one would use: `python -m tests.benchmarks.bench_sharing`.

- The check goes from an address to the decision, database included, for a principal that has just come in.
  guardian's is timed with fetching the object (the same way) and, stricter on us, without.
- A member with a role is asked for in the same way; what that takes is compared with a person.
- The signature is a forged one, of a dataset of which as many holders were given a key as it can be (64).
- The list is the first 50 of "shared with me", newest first, for accounts with 20 and with 10,000 grants.

guardian has its own project with the same datasets and grants, once with its generic table of permissions and once
with a table that has a foreign key, which it offers for speed. Ratios are against the faster of the two. Its lists are
timed as they come, and once more with an index on the time of creation, by which they are sorted: it helps with many
grants, where the database finds the newest before it asks for grants, and with few it can do harm.
"""

import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks import databases, plan
from tests.benchmarks.databases import Database
from tests.benchmarks.report import Reach, table

Size = tuple[int, int]
Measured = dict[Size, dict[str, Any]]
CHECK_RATIO = {"SQLite": 20, "PostgreSQL": 5}
LIST_RATIO = 50
LISTS = {"": "as it comes", "_indexed": "with an index on the time of creation"}
LIST_MILLISECONDS = 1.0
SIGNATURE_MILLISECONDS = 1.0
GROWTH = 1.3
MEMBER_RATIO = 2.0


def main(*, quick: bool = False) -> list[Reach]:
    """Measure both sides on every database, print the tables, and return what was reached."""
    sizes = plan.QUICK_SIZES if quick else plan.FULL_SIZES
    reached = []
    for name, make in databases.available():
        with make() as database:
            ours = _measure("tests.benchmarks.sharing_ours", "console.settings", database, sizes)
        with make() as database:
            guardian = _measure(
                "tests.benchmarks.sharing_guardian", "tests.benchmarks.guardian_project.settings", database, sizes
            )
        _print(name, ours, guardian)
        reached += _reaches(name, ours, guardian)
    return reached


def _measure(module: str, settings: str, database: Database, sizes: list[Size]) -> Measured:
    """Run one side in a process of its own."""
    environment = {**os.environ, **database.environment, "DJANGO_SETTINGS_MODULE": settings}
    done = subprocess.run(
        [sys.executable, "-m", module, json.dumps(sizes)], env=environment, stdout=subprocess.PIPE, check=True
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {(row["resources"], row["grants"]): row for row in rows}


def _print(database: str, ours: Measured, guardian: Measured) -> None:
    table(
        f"Check on {database}: milliseconds from an address to the decision",
        ["resources", "grants", "ours", "guardian", "alone", "with its direct table", "alone", "ratio", "alone"],
        [
            [
                f"{size[0]:,}",
                f"{size[1]:,}",
                f"{row['check']:.4f}",
                *(f"{guardian[size][v][what]:.3f}" for v in ("generic", "direct") for what in ("check", "check_alone")),
                f"{_ratio(row, guardian[size], 'check'):.1f}",
                f"{_ratio(row, guardian[size], 'check', 'check_alone'):.1f}",
            ]
            for size, row in ours.items()
        ],
    )
    table(
        f"A forged signature on {database} against 64 keys: milliseconds from an address to the decision",
        ["resources", "grants", "ours"],
        [[f"{size[0]:,}", f"{size[1]:,}", f"{row['signature']:.3f}"] for size, row in ours.items()],
    )
    table(
        f"A member with a role on {database}: times what it takes a person",
        ["resources", "grants", "check", "20 grants", "many"],
        [
            [f"{size[0]:,}", f"{size[1]:,}", *(f"{_of_member(row, what):.2f}" for what in ("check", "few", "many"))]
            for size, row in ours.items()
        ],
    )
    for suffix, how in LISTS.items():
        _print_lists(f"First 50 of 'shared with me' on {database}, guardian {how}", ours, guardian, suffix)


def _print_lists(title: str, ours: Measured, guardian: Measured, suffix: str) -> None:
    table(
        f"{title}: milliseconds, for 20 grants and for {plan.MANY_GRANTS:,}",
        ["resources", "grants", "ours 20", "many", "guardian 20", "many", "direct 20", "many", "ratio 20", "many"],
        [
            [
                f"{size[0]:,}",
                f"{size[1]:,}",
                *(f"{row[who]:.3f}" for who in ("few", "many")),
                *(
                    f"{guardian[size][variant][who + suffix]:.1f}"
                    for variant in ("generic", "direct")
                    for who in ("few", "many")
                ),
                *(f"{_ratio(row, guardian[size], who, who + suffix):.0f}" for who in ("few", "many")),
            ]
            for size, row in ours.items()
        ],
    )


def _of_member(row: dict[str, Any], what: str) -> float:
    return float(row[f"{what}_member"]) / float(row[what])


def _ratio(ours: dict[str, Any], guardian: dict[str, Any], what: str, theirs: str | None = None) -> float:
    return float(min(guardian[variant][theirs or what] for variant in ("generic", "direct"))) / float(ours[what])


def _generic_ratio(ours: dict[str, Any], guardian: dict[str, Any], what: str, theirs: str | None = None) -> float:
    return float(guardian["generic"][theirs or what]) / float(ours[what])


def _reaches(database: str, ours: Measured, guardian: Measured) -> list[Reach]:
    smallest, largest = ours[min(ours)], ours[max(ours)]
    most = max(size[0] for size in ours)
    reached = [
        Reach(
            f"check, {database}: times faster than guardian",
            min(_generic_ratio(ours[size], guardian[size], "check") for size in ours),
            at_least=CHECK_RATIO[database],
        ),
        Reach(f"check, {database}: largest to smallest", largest["check"] / smallest["check"], at_most=GROWTH),
        *(
            Reach(
                f"list, {database}, {what}: times faster than guardian {how} at {most:,} resources",
                min(_generic_ratio(ours[size], guardian[size], who, who + suffix) for size in ours if size[0] == most),
                at_least=LIST_RATIO,
            )
            for who, what in (("few", "20 grants"), ("many", "10,000 grants"))
            for suffix, how in LISTS.items()
        ),
    ]
    reached += [
        Reach(
            f"{what} for a member, {database}: times what it takes a person",
            max(_of_member(row, what) for row in ours.values()),
            at_most=MEMBER_RATIO,
        )
        for what in ("check", "few", "many")
    ]
    if database == "SQLite":
        slowest = max(row[who] for row in ours.values() for who in ("few", "many"))
        reached.append(Reach("list, SQLite: milliseconds", slowest, at_most=LIST_MILLISECONDS))
        slowest = max(row["signature"] for row in ours.values())
        reached.append(
            Reach("signature against 64 keys, SQLite: milliseconds", slowest, at_most=SIGNATURE_MILLISECONDS)
        )
    return reached


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
