"""The statements of all that an account owns and is shared with it, narrowed to what a list is of.

Each gives `id`, `rank` and `at`, as the rules do (sharing/list_sql/rules.py). None gives more than a page needs of what
is shared in bulk, and none reads more than that where an index is sorted.
"""

from functools import partial
from typing import Final

from django.db import connection

from resources.kinds import Kind
from sharing.access import Reason
from sharing.list_sql import postgresql, sqlite
from sharing.list_sql.bulk_shares import WIDELY_SHARED_ACTORS, OwnerParentPairs
from sharing.list_sql.columns import OF_N, OF_RESOURCE, OF_RUN_COUNT, RUNS, STORAGE_KINDS
from sharing.list_sql.narrowed import Narrowed, of_kinds
from sharing.list_sql.rules import OWN, OWN_BY_STATUS, RANKS, SHARED, Rule
from sharing.list_sql.scans import IndexScan, scan, scans
from sharing.list_sql.text import fill, narrow, sql

_STATEMENTS: Final = {"sqlite": sqlite, "postgresql": postgresql}[connection.vendor]

# ---- what is found one by one


def own(kinds: frozenset[Kind], only: Narrowed) -> list[str]:
    """Return the statements of what the account owns."""
    return _narrowed(OWN_BY_STATUS if only.statuses and not only.picks else OWN, kinds, only, [])


def shared_one_by_one(kinds: frozenset[Kind], only: Narrowed, *conditions: str) -> list[str]:
    """Return the statements of what is shared with the account one by one."""
    return [each for rule in SHARED for each in _narrowed(rule, kinds, only, list(conditions))]


def _narrowed(rule: Rule, kinds: frozenset[Kind], only: Narrowed, conditions: list[str]) -> list[str]:
    """Return the statements of one rule, one for each time that it has to be asked."""
    common = only.of_parents(rule.run) + only.within(rule.created_at) + conditions
    return [
        _one(rule, of_kind, name + status + common + only.of_runs(asked))
        for asked, of_kind in _by_kind(rule, rule.kinds & kinds)
        for name in only.names(asked)
        for status in (only.by_status(rule.status) if rule.status else [only.with_status(_STATUS)])
    ]


def _by_kind(rule: Rule, wanted: frozenset[Kind]) -> list[tuple[frozenset[Kind], list[str]]]:
    """Return which kinds a rule is asked for at a time, each with the condition that says so."""
    if rule.by_kind:
        return [(frozenset({kind}), [of_kinds([kind], rule.kind)]) for kind in sorted(wanted)]
    if not wanted:
        return []
    return [(wanted, [] if wanted == rule.kinds else [of_kinds(wanted, rule.kind)])]


def _one(rule: Rule, of_kind: list[str], conditions: list[str]) -> str:
    """Return the statement of a rule with its conditions; that on the kind is not about `r` where `alone` can do."""
    if rule.alone and not conditions:
        return narrow(rule.alone, of_kind)
    not_own = [] if rule.reason is Reason.OWNER else ["r.owner_id <> %(me)s"]
    return narrow(rule.statement, of_kind + conditions + not_own)


# Not as EXISTS, for which PostgreSQL would begin with all runs of these statuses.
_STATUS = "(SELECT j.status FROM resources_run j WHERE j.resource_ptr_id = r.id)"

# ---- what is shared in bulk


def shared_in_bulk(only: Narrowed, direction: str) -> list[str]:
    """Return the statements of the runs that are shared in bulk, and of their default storages (rule 8)."""
    find = _picked if only.picks else partial(_first, direction=direction)
    return [
        statement
        for pairs in only.pairs
        for reason, kinds in ((pairs.reason, only.kinds & RUNS), (Reason.RUN, only.kinds & STORAGE_KINDS))
        if kinds
        for statement in find(pairs, kinds, only, rank=str(RANKS[reason]))
    ]


def pairs_statement(pairs: OwnerParentPairs, only: Narrowed, of_scan: IndexScan, *conditions: str) -> str:
    """Return the statement of those pairs that can have something of the Actor, task and status that are asked for."""
    found = list(conditions)
    if only.of_actor if pairs.parent == "actor" else only.of_task:
        found.append(f"{pairs.id_column} = %({pairs.parent})s")
    if only.of_task if pairs.parent == "actor" else only.of_actor:
        # All runs of the task would be walked to find none of the Actor; the table of counts knows it.
        found += pairs.with_runs(only.of_parents(OF_RUN_COUNT))
    if pairs.from_run_counts and of_scan.status:
        found.append(f"t.status = '{of_scan.status}'")
    return narrow(pairs.statement, found)


def _first(pairs: OwnerParentPairs, kinds: frozenset[Kind], only: Narrowed, rank: str, direction: str) -> list[str]:
    """Return the statements of as many of each pair as a page could need of it."""

    def select_first(found: str, way: IndexScan) -> str:
        return fill(_STATEMENTS.FIRST_OF_EACH_PAIR, rank=rank, pairs=found, scan=way.in_order(direction))

    def select_first_pairs(way: IndexScan, *conditions: str) -> str:
        found = pairs_statement(pairs, only, way, *conditions)
        ways = {"scan": way.in_order(direction), "direction": direction}
        return select_first(fill(_STATEMENTS.PAIRS_THAT_COME_FIRST, pairs=found, **ways), way)

    ways = scans(pairs, kinds, only)
    if not pairs.from_run_counts:
        return [select_first(pairs_statement(pairs, only, way), way) for way in ways]
    if only.statuses or only.of_task:  # for which no index mixes the owners of an Actor's runs
        return [select_first_pairs(way) for way in ways]
    widely_shared = narrow(WIDELY_SHARED_ACTORS, ["a.id = %(actor)s"] if only.of_actor else [])
    is_another = fill(_IS_ANOTHER, id=pairs.id_column, actors=widely_shared)
    of_actor = scan(*_RUNS_OF_WIDELY_SHARED_ACTOR, kinds, only)
    return [*(select_first_pairs(way, is_another) for way in ways), select_first(widely_shared, of_actor)]


_IS_ANOTHER: Final = sql("""
    {id} NOT IN (
        SELECT c.id
        FROM (
            {actors}
        ) c
    )
""")
_RUNS_OF_WIDELY_SHARED_ACTOR: Final = (
    "resources_resource n\nCROSS JOIN accounts_account u",
    [
        "n.actor_id = p.id",
        "n.kind = 'run'",
        "u.id = n.owner_id",
        "u.share_runs_with_actor_creators",
        "u.id <> %(me)s",
    ],
)


def _picked(pairs: OwnerParentPairs, kinds: frozenset[Kind], only: Narrowed, rank: str) -> list[str]:
    """Return the statements of what has a certain ID or a name: there is little of that."""
    of = [of_kinds(kinds, "r.kind"), *only.within("r.created_at")]
    if kinds == RUNS:
        runs = fill(_RUNS_THAT_ARE_SHARED, rank=rank, holds=pairs.holds_for(OF_RESOURCE))
        of += only.of_parents(OF_RESOURCE) + only.with_status(_STATUS)
        return [narrow(runs, of + name) for name in only.names(kinds)]
    of_such_run = fill(_STORAGES_OF_SHARED_RUNS, rank=rank, holds=pairs.holds_for(OF_N))
    of_pairs = fill(_STORAGES_OF_PAIRS, rank=rank, pairs=pairs.statement, parent=pairs.parent)
    return [
        *(narrow(of_such_run, of + name) for name in only.by_id(kinds)),
        *(narrow(of_pairs, of + name) for name in only.by_name(kinds)),
    ]


_RUNS_THAT_ARE_SHARED: Final = sql("""
    SELECT r.id AS id, {rank} AS rank, r.created_at AS at
    FROM resources_resource r
    WHERE {holds}
""")
_STORAGES_OF_SHARED_RUNS: Final = sql("""
    SELECT r.id AS id, {rank} AS rank, r.created_at AS at
    FROM resources_resource r
    CROSS JOIN resources_resource n
    WHERE n.id = r.run_id
      AND {holds}
""")
# A storage belongs to the owner of its run. In this form PostgreSQL has to begin with what has a name: by its
# estimates it may as well begin with all runs of the pair.
_STORAGES_OF_PAIRS: Final = sql("""
    SELECT r.id AS id, {rank} AS rank, r.created_at AS at
    FROM (
        {pairs}
    ) p
    CROSS JOIN resources_resource r
    WHERE r.owner_id = p.owner
      AND (SELECT n.{parent}_id FROM resources_resource n WHERE n.id = r.run_id) = p.id
""")
