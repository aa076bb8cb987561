"""Scans: the ways through what belongs to one pair of an owner and an Actor or task, each along one index."""

from typing import Final, NamedTuple

from resources.kinds import Kind
from sharing.list_sql.bulk_shares import OwnerParentPairs
from sharing.list_sql.columns import OF_N, OF_RUN, RUNS, STORAGE_KINDS, RunColumns
from sharing.list_sql.narrowed import Narrowed, of_kinds
from sharing.list_sql.text import fill, narrow, sql

_IN_ORDER: Final = sql("""
    SELECT {id} AS id, {at} AS at
    FROM {tables}
    WHERE {conditions}
    ORDER BY {at} {direction}, {id} {direction}
""")


class IndexScan(NamedTuple):
    """A way through what belongs to one pair, `p`: its tables and conditions, and the columns that it is sorted by."""

    tables: str
    conditions: list[str]
    run: RunColumns
    id: str
    at: str
    status: str = ""

    def in_order(self, direction: str) -> str:
        """Return the statement of all that it finds, as `id` and `at`; a LIMIT is to follow."""
        first, *more = self.conditions
        columns = {"id": self.id, "at": self.at, "tables": self.tables, "direction": direction}
        return fill(_IN_ORDER, **columns, conditions=narrow(first, more))


def scans(pairs: OwnerParentPairs, kinds: frozenset[Kind], only: Narrowed) -> list[IndexScan]:
    """Return the scans of the runs of a pair, or of their default storages."""
    if not kinds:
        return []
    if not only.statuses:
        return [scan("resources_resource n", [*_of_pair(pairs, only, OF_N), "n.kind = 'run'"], kinds, only)]
    conditions = _of_pair(pairs, only, OF_RUN) + only.within("k.list_at")
    return [
        IndexScan(
            "resources_run k",
            [*conditions, f"k.status = '{status}'"],
            OF_RUN,
            id="k.resource_ptr_id",
            at="k.list_at",
            status=status,
        )
        for status in sorted(only.statuses)
    ]


def scan(tables: str, conditions: list[str], kinds: frozenset[Kind], only: Narrowed) -> IndexScan:
    """Return the scan of some runs, `n`, or of their default storages, by the time of the runs."""
    conditions = conditions + only.within("n.created_at")
    if kinds == RUNS:
        return IndexScan(tables, conditions, OF_N, id="n.id", at="n.created_at")
    # Default storages are made at the same time as their run (resources/runs/starting.py).
    of = [] if kinds == STORAGE_KINDS else [of_kinds(kinds, "s.kind")]
    tables = f"{tables}\nCROSS JOIN resources_resource s"
    return IndexScan(tables, [*conditions, "s.run_id = n.id", *of], OF_N, id="s.id", at="n.created_at")


def _of_pair(pairs: OwnerParentPairs, only: Narrowed, run: RunColumns) -> list[str]:
    """Return the conditions that a run belongs to the pair `p`, and to the Actor and task that the list is of."""
    if pairs.parent == "task" or only.of_task:
        run = run._replace(actor=f"({run.actor} || '')")  # so that the index of the task is taken, which has fewer
    return [f"{run.owner} = p.owner", f"{getattr(run, pairs.parent)} = p.id", *only.of_parents(run)]
