"""The statement of the total of a list: a sum of counts, of which no two count the same."""

from functools import lru_cache
from typing import Final

from resources.kinds import Kind
from sharing.list_sql.bulk_shares import OwnerParentPairs
from sharing.list_sql.columns import OF_N, OF_RESOURCE, OF_RUN_COUNT, RUNS, STORAGE_KINDS, RunColumns
from sharing.list_sql.found import own, pairs_statement, shared_in_bulk, shared_one_by_one
from sharing.list_sql.narrowed import Narrowed
from sharing.list_sql.rules import OWN_RUN_COUNT
from sharing.list_sql.scans import IndexScan, scans
from sharing.list_sql.text import Query, fill, narrow, sql

_COUNT: Final = sql("""
    (
        SELECT COUNT(*)
        FROM (
            {statement}
        ) c
    )
""")
_IDS: Final = sql("""
    SELECT id
    FROM (
        {statement}
    ) b
""")
_OF_EACH_PAIR: Final = sql("""
    SELECT 1
    FROM (
        {pairs}
    ) p
    CROSS JOIN {tables}
    WHERE {conditions}
""")
_OF_NO_SUCH_RUN: Final = sql("""
    NOT EXISTS (
        SELECT 1
        FROM resources_resource n
        WHERE n.id = r.run_id
          AND ({of_a_pair})
    )
""")


@lru_cache(maxsize=256)
def total(only: Narrowed, is_capped: bool) -> Query | None:
    """Return the statement of a total, None where there can be nothing; where it is capped, it takes `most`."""
    stop = "\nLIMIT %(most)s" if is_capped else ""
    counts = _counts_of_own(only, stop) if only.mine else []
    if only.shared:
        counts += _counts_of_picked(only, stop) if only.picks else _counts_of_shared(only, stop)
    return Query("SELECT " + "\n+ ".join(counts)) if counts else None


def _counts_of_own(only: Narrowed, stop: str) -> list[str]:
    """Return what to add up: own resources are found by one rule and nothing else, so none is counted twice."""
    counted = only.kinds & RUNS if only.has_run_count else frozenset[Kind]()
    counts = [fill(_COUNT, statement=f"{each}{stop}") for each in own(only.kinds - counted, only)]
    return [*counts, _run_count(OWN_RUN_COUNT, only)] if counted else counts


def _counts_of_picked(only: Narrowed, stop: str) -> list[str]:
    return _count_once(shared_one_by_one(only.kinds, only) + shared_in_bulk(only, "DESC"), stop)


def _counts_of_shared(only: Narrowed, stop: str) -> list[str]:
    """Return what to add up: each pair's own, and what is shared one by one and belongs to no pair."""
    runs, storages = only.kinds & RUNS, only.kinds & STORAGE_KINDS
    of_no_pair = [f"NOT {pairs.holds_for(OF_RESOURCE)}" for pairs in only.pairs]
    of_a_pair = "\nOR ".join(pairs.holds_for(OF_N) for pairs in only.pairs) or "1 = 0"
    return [
        *_count_once(shared_one_by_one(only.kinds - runs - storages, only), stop),
        *_count_once(shared_one_by_one(runs, only, *of_no_pair), stop),
        *_count_once(shared_one_by_one(storages, only, fill(_OF_NO_SUCH_RUN, of_a_pair=of_a_pair)), stop),
        *(
            count
            for pairs in only.pairs
            for kinds in (runs, storages)
            for count in _counts_of_pairs(pairs, kinds, only, stop)
        ),
    ]


def _counts_of_pairs(pairs: OwnerParentPairs, kinds: frozenset[Kind], only: Narrowed, stop: str) -> list[str]:
    """Return what to add up for the runs of pairs, or their default storages, that belong to no pair before."""
    before = [each for each in only.pairs if each.parent == "actor"] if pairs.parent == "task" else []

    def of_none_before(run: RunColumns) -> list[str]:
        return [f"NOT {each.holds_for(run)}" for each in before]

    def count(way: IndexScan) -> str:
        first, *more = way.conditions + of_none_before(way.run)
        found = {"pairs": pairs_statement(pairs, only, way), "tables": way.tables, "conditions": narrow(first, more)}
        return fill(_COUNT, statement=fill(_OF_EACH_PAIR, **found) + stop)

    if kinds == RUNS and only.has_run_count:
        return [_run_count(narrow(pairs.run_count, of_none_before(OF_RUN_COUNT)), only)]
    return [count(way) for way in scans(pairs, kinds, only)]


def _count_once(statements: list[str], stop: str) -> list[str]:
    """Return the number of all that is found, as what to add up: UNION drops what more than one rule finds."""
    union = "\nUNION\n".join(fill(_IDS, statement=f"{each}{stop}") for each in statements)
    return [fill(_COUNT, statement=union)] if statements else []


def _run_count(statement: str, only: Narrowed) -> str:
    """Return how many runs have been counted, of the Actor, task and statuses that are asked for."""
    return f"({narrow(statement, only.of_parents(OF_RUN_COUNT) + only.with_status('t.status'))})"
