"""The statements of lists and their totals: the rules of `sharing/list_rules.py`, put together and narrowed.

No rule gives more than a page needs, and none reads more than that where an index is sorted, so that a page takes as
long among a million as among a hundred. The values are bound by name (sharing/lists.py).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import connection

from accounts.lib.sql import Statement
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from sharing.access import Reason
from sharing.list_rules import (
    CROWDED_ACTORS,
    MINE,
    MINE_BY_STATUS,
    MINE_TALLIED,
    NAMELESS,
    OF_CROWDED_ACTOR,
    OF_N,
    OF_RESOURCE,
    OF_RUN,
    OF_TALLY,
    PAIRS,
    RUNS,
    SHARED,
    STORAGE_KINDS,
    Pairs,
    Rule,
    RunColumns,
)


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list is narrowed to: ownership, kinds, and which conditions it has, whose values are bound.

    `crowds` are those of the PAIRS, by their number, that can find something.
    """

    mine: bool
    shared: bool
    kinds: frozenset[Kind]
    named: bool
    searched: bool
    of_actor: bool
    of_task: bool
    statuses: frozenset[JobStatus]
    since: bool
    until: bool
    crowds: tuple[int, ...] = tuple(range(len(PAIRS)))

    @property
    def pairs(self) -> list[Pairs]:
        """The rules that can find something of the crowd."""
        return [PAIRS[number] for number in self.crowds]

    @property
    def picks(self) -> bool:
        """Whether it leaves so little that to find all of it is cheap."""
        return self.named or self.searched

    @property
    def is_tallied(self) -> bool:
        """Whether the number of runs need not be counted."""
        return not (self.picks or self.since or self.until)

    def within(self, at: str) -> str:
        """Return the conditions on the time of creation."""
        since = f" AND {at} >= %(since)s" if self.since else ""
        return f"{since} AND {at} <= %(until)s" if self.until else since

    def names(self, kinds: frozenset[Kind]) -> list[str]:
        """Return the conditions on ID and name: one for each time that a rule is asked, for each has its index."""
        return self.by_id(kinds) + self.by_name(kinds) if self.picks else [""]

    def by_id(self, kinds: frozenset[Kind]) -> list[str]:
        """Return the condition that the ID is what is searched for, if it may be."""
        if not self.searched or (self.named and kinds <= NAMELESS):
            return []
        return [" AND r.id = %(search)s AND r.name IS NOT NULL" if self.named else " AND r.id = %(search)s"]

    def by_name(self, kinds: frozenset[Kind]) -> list[str]:
        """Return the condition on the name, if there can be one; it leaves out what is found by its ID."""
        if kinds <= NAMELESS:
            return []
        searched = " AND LOWER(r.name) LIKE %(pattern)s ESCAPE '!' AND r.id <> %(search)s" if self.searched else ""
        return [f" AND r.name IS NOT NULL{searched}"]

    def of_parents(self, run: RunColumns) -> str:
        """Return the conditions on the Actor and the task."""
        of_actor = f" AND {run.actor} = %(actor)s" if self.of_actor else ""
        return f"{of_actor} AND {run.task} = %(task)s" if self.of_task else of_actor

    def by_status(self, column: str) -> list[str]:
        """Return the conditions on the status: one for each status, as indexes are sorted."""
        return [f" AND {column} = '{status.value}'" for status in sorted(self.statuses)] or [""]

    def with_status(self, column: str) -> str:
        """Return the condition that the status is one of those that are asked for."""
        words = ", ".join(f"'{status.value}'" for status in sorted(self.statuses))
        return f" AND {column} IN ({words})" if words else ""


class Query:
    """A statement with named parameters, put together once for each set of filters."""

    def __init__(self, sql: str) -> None:
        self._names = re.findall(r"%\((\w+)\)s", sql)
        self._statement = Statement(re.sub(r"%\(\w+\)s", "%s", sql))

    def rows(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it with the parameters that it names, and return its rows."""
        return self._statement.rows([parameters[name] for name in self._names])


@lru_cache(maxsize=256)
def listing(only: Narrowed, newest_first: bool) -> Query | None:
    """Return the statement of a page, None where there can be nothing.

    Its rows are (ID, kind, rank of the reason, name, title, owner's ID and username, general access, time of creation).
    It gives `limit` of them after `offset` others, for which it reads as far as `reach`; of one's own it leaves out the
    first `skip`, and reads `own`. What else it is given are the values of the conditions.
    """
    direction = "DESC" if newest_first else "ASC"
    order = f"ORDER BY at {direction}, id {direction}"
    mine = _own(only.kinds, only) if only.mine else []
    shared = _others(only, direction) if only.shared else []
    branches = [f"{select} {order} LIMIT %(own)s OFFSET %(skip)s" for select in mine]
    branches += [f"{select} {order} LIMIT %(reach)s" for select in shared]
    union = " UNION ALL ".join(f"SELECT * FROM ({branch}) b" for branch in branches)
    sql = (
        # As an expression the time has no declared type, so that Django's converter does not read it before we do.
        "SELECT r.id, r.kind, f.reason, r.name, r.title, r.owner_id, o.username, r.general_access, "
        f"COALESCE(f.at, NULL) FROM (SELECT id, at, MIN(rank) AS reason FROM ({union}) u "
        f"GROUP BY at, id {order} LIMIT %(limit)s OFFSET %(offset)s) f "
        "JOIN resources_resource r ON r.id = f.id JOIN accounts_account o ON o.id = r.owner_id "
        f"ORDER BY f.at {direction}, f.id {direction}"
    )
    return Query(sql) if branches else None


def own_branches(only: Narrowed) -> int:
    """Return how many SELECTs there are for one's own: of one alone it is known which rows come first."""
    return len(_own(only.kinds, only)) if only.mine else 0


def _others(only: Narrowed, direction: str) -> list[str]:
    """Return the SELECTs, of `id`, `rank` and `at`, of all that finds something that is shared."""
    return [*_one_by_one(only.kinds, only), *_by_the_crowd(only, direction)]


# ---- what is found one by one


def _own(kinds: frozenset[Kind], only: Narrowed) -> list[str]:
    rules = MINE_BY_STATUS if only.statuses and not only.picks else MINE
    return [select for rule in rules for select in _selects(rule, kinds, only)]


def _one_by_one(kinds: frozenset[Kind], only: Narrowed, condition: str = "") -> list[str]:
    return [select for rule in SHARED for select in _selects(rule, kinds, only, condition)]


def _selects(rule: Rule, kinds: frozenset[Kind], only: Narrowed, condition: str = "") -> list[str]:
    """Return the SELECTs of one rule, one for each time that it has to be asked."""
    distinct = "DISTINCT " if rule.repeats else ""
    columns = f"SELECT {distinct}{rule.id} AS id, {_RANKS[rule.reason]} AS rank, {rule.created_at} AS at FROM "
    common = only.of_parents(rule.run) + only.within(rule.created_at) + condition
    return [
        columns + _source(rule, kind, name + status + common)
        for asked, kind in _by_kind(rule, rule.kinds & kinds)
        for name in only.names(asked)
        for status in (only.by_status(rule.status) if rule.status else [only.with_status(_STATUS)])
    ]


def _by_kind(rule: Rule, wanted: frozenset[Kind]) -> list[tuple[frozenset[Kind], str]]:
    """Return which kinds a rule is asked for at a time, each with the condition that says so."""
    if rule.by_kind:
        return [(frozenset({kind}), _of_kinds([kind], rule.kind)) for kind in sorted(wanted)]
    if not wanted:
        return []
    return [(wanted, "" if wanted == rule.kinds else _of_kinds(wanted, rule.kind))]


def _of_kinds(kinds: Collection[Kind], column: str) -> str:
    words = [f"'{kind.value}'" for kind in sorted(kinds)]
    return f" AND {column} = {words[0]}" if len(words) == 1 else f" AND {column} IN ({', '.join(words)})"


def _source(rule: Rule, kind: str, conditions: str) -> str:
    """Return where a rule looks, with its conditions; that on the kind is not about `r` where it can do without."""
    if rule.alone and not conditions:
        return rule.alone + kind
    not_own = "" if rule.reason is Reason.OWNER else " AND r.owner_id <> %(me)s"
    return f"{rule.source}{kind}{conditions}{not_own}"


# ---- what is shared by the crowd


class _Walk(NamedTuple):
    """The way through what belongs to one pair, `p`: where it leads, and the columns that it is sorted by."""

    source: str
    run: RunColumns
    id: str
    at: str
    status: str = ""

    def select(self, direction: str, limit: str) -> str:
        """Return the SELECT of the first ones, as `id` and `at`."""
        order = f"ORDER BY {self.at} {direction}, {self.id} {direction} LIMIT {limit}"
        return f"SELECT {self.id} AS id, {self.at} AS at FROM {self.source} {order}"


def _by_the_crowd(only: Narrowed, direction: str) -> list[str]:
    """Return the SELECTs of runs that are shared by the crowd, and of their default storages (rule 8)."""
    find = _picked if only.picks else partial(_first, direction=direction)
    return [
        f"SELECT r.id AS id, {_RANKS[reason]} AS rank, r.created_at AS at FROM {found}"
        for pairs in only.pairs
        for reason, kinds in ((pairs.reason, only.kinds & RUNS), (Reason.RUN, only.kinds & STORAGE_KINDS))
        for found in find(pairs, kinds, only)
    ]


def _first(pairs: Pairs, kinds: frozenset[Kind], only: Narrowed, direction: str) -> list[str]:
    """Return what follows FROM to find, as `r`, as many of each pair as a page could need of it."""
    walks = _walks(pairs, kinds, only)
    if not pairs.many:
        return [_of_each(_pairs(pairs, only, walk), walk, direction) for walk in walks]

    def first_of(condition: str = "") -> list[str]:
        found = ((walk, _pairs(pairs, only, walk, condition)) for walk in walks)
        return [_of_each(_first_pairs(each, walk, direction), walk, direction) for walk, each in found]

    if not kinds or only.statuses or only.of_task:  # for which no index mixes the owners of an Actor's runs
        return first_of()
    crowded = CROWDED_ACTORS + (" AND a.id = %(actor)s" if only.of_actor else "")
    one_by_one = first_of(f" AND {pairs.id} NOT IN (SELECT c.id FROM ({crowded}) c)")
    return [*one_by_one, _of_each(crowded, _walk(OF_CROWDED_ACTOR, kinds, only), direction)]


def _of_each(pairs: str, walk: _Walk, direction: str) -> str:
    """Return what follows FROM to find, as `r`, as many of each of these pairs as a page could need."""
    some = walk.select(direction, "%(reach)s")
    if connection.vendor == "postgresql":
        return f"({pairs}) p CROSS JOIN LATERAL ({some}) w CROSS JOIN resources_resource r WHERE r.id = w.id"
    return f"({pairs}) p CROSS JOIN resources_resource r WHERE r.id IN (SELECT w.id FROM ({some}) w)"


def _first_pairs(found: str, walk: _Walk, direction: str) -> str:
    """Return the SELECT of those pairs whose first come first: a page has something of no more than it has rows."""
    first = walk.select(direction, "1")
    if connection.vendor == "postgresql":
        order = f"f.at {direction}, f.id {direction}"
        return f"SELECT p.id, p.owner FROM ({found}) p CROSS JOIN LATERAL ({first}) f ORDER BY {order} LIMIT %(reach)s"
    order = ", ".join(f"(SELECT f.{each} FROM ({first}) f) {direction} NULLS LAST" for each in ("at", "id"))
    return f"SELECT p.id, p.owner FROM ({found}) p ORDER BY {order} LIMIT %(reach)s"


def _walks(pairs: Pairs, kinds: frozenset[Kind], only: Narrowed) -> list[_Walk]:
    """Return the ways through the runs of a pair, or through their default storages: each along one index."""
    if not kinds:
        return []
    if not only.statuses:
        return [_walk(f"resources_resource n WHERE {_of_pair(pairs, only, OF_N)} AND n.kind = 'run'", kinds, only)]
    source = f"resources_run k WHERE {_of_pair(pairs, only, OF_RUN)}{only.within('k.list_at')} AND k.status = "
    return [
        _Walk(f"{source}'{status}'", OF_RUN, "k.resource_ptr_id", "k.list_at", status)
        for status in sorted(only.statuses)
    ]


def _walk(runs: str, kinds: frozenset[Kind], only: Narrowed) -> _Walk:
    """Return the way through some runs, `n`, or through their default storages, by the time of the runs."""
    tables, _, where = runs.partition(" WHERE ")
    where += only.within("n.created_at")
    if kinds == RUNS:
        return _Walk(f"{tables} WHERE {where}", OF_N, "n.id", "n.created_at")
    # Default storages are made at the same time as their run (resources/runs/starting.py).
    of = "" if kinds == STORAGE_KINDS else _of_kinds(kinds, "s.kind")
    source = f"{tables} CROSS JOIN resources_resource s WHERE {where} AND s.run_id = n.id{of}"
    return _Walk(source, OF_N, "s.id", "n.created_at")


def _of_pair(pairs: Pairs, only: Narrowed, run: RunColumns) -> str:
    """Return the condition that a run belongs to the pair `p`, and to the Actor and task that the list is of."""
    if pairs.parent == "task" or only.of_task:
        run = run._replace(actor=f"({run.actor} || '')")  # so that the index of the task is taken, which has fewer
    return f"{run.owner} = p.owner AND {getattr(run, pairs.parent)} = p.id{only.of_parents(run)}"


def _pairs(pairs: Pairs, only: Narrowed, walk: _Walk, condition: str = "") -> str:
    """Return the SELECT of those pairs that can have something of the Actor, task and status that are asked for."""
    wanted = only.of_actor if pairs.parent == "actor" else only.of_task
    condition += f" AND {pairs.id} = %({pairs.parent})s" if wanted else ""
    others = only.of_task if pairs.parent == "actor" else only.of_actor
    if others:  # all runs of the task would be walked to find none of the Actor; the tally knows it
        condition += pairs.tallied(only.of_parents(OF_TALLY))
    return pairs.query(f"{condition} AND t.status = '{walk.status}'" if pairs.many and walk.status else condition)


def _picked(pairs: Pairs, kinds: frozenset[Kind], only: Narrowed) -> list[str]:
    """Return what follows FROM to find, as `r`, what has a certain ID or a name: there is little of that."""
    if not kinds:
        return []
    of = _of_kinds(kinds, "r.kind") + only.within("r.created_at")
    if kinds == RUNS:
        of += only.of_parents(OF_RESOURCE) + only.with_status(_STATUS)
        holds = pairs.holds_for(OF_RESOURCE)
        return [f"resources_resource r WHERE {holds}{of}{name}" for name in only.names(kinds)]
    of_run = "resources_resource r CROSS JOIN resources_resource n WHERE n.id = r.run_id"
    # A storage belongs to whoever its run belongs to. In this form PostgreSQL has to begin with what has a name: by
    # its estimates it may as well begin with all runs of the pair.
    parent = f"(SELECT n.{pairs.parent}_id FROM resources_resource n WHERE n.id = r.run_id)"
    of_pair = f"({pairs.query()}) p CROSS JOIN resources_resource r WHERE r.owner_id = p.owner AND {parent} = p.id"
    return [
        *(f"{of_run} AND {pairs.holds_for(OF_N)}{of}{each}" for each in only.by_id(kinds)),
        *(f"{of_pair}{of}{each}" for each in only.by_name(kinds)),
    ]


# ---- how much there is


@lru_cache(maxsize=256)
def counting(only: Narrowed, is_capped: bool) -> Query | None:
    """Return the statement of a total, None where there can be nothing; where it is capped, it takes `most`."""
    stop = " LIMIT %(most)s" if is_capped else ""
    counts = _counts_of_own(only, stop) if only.mine else []
    if only.shared:
        counts += _counts_of_picked(only, stop) if only.picks else _counts_of_shared(only, stop)
    return Query(f"SELECT {' + '.join(counts)}") if counts else None


def _counts_of_own(only: Narrowed, stop: str) -> list[str]:
    """Return what to add up: own resources are found by one rule and nothing else, so none is counted twice."""
    tallied = only.kinds & RUNS if only.is_tallied else frozenset[Kind]()
    counts = [_count(f"{select}{stop}") for select in _own(only.kinds - tallied, only)]
    if tallied:
        # There may be a million, which the database has counted as they came (resources/models/run_count.py).
        counts.append(_sum(MINE_TALLIED, only))
    return counts


def _counts_of_picked(only: Narrowed, stop: str) -> list[str]:
    return _count_once(_others(only, "DESC"), stop)


def _counts_of_shared(only: Narrowed, stop: str) -> list[str]:
    """Return what to add up: each pair's own, and what is shared one by one and belongs to no pair."""
    runs, storages = only.kinds & RUNS, only.kinds & STORAGE_KINDS
    of_no_pair = "".join(f" AND NOT {pairs.holds_for(OF_RESOURCE)}" for pairs in only.pairs)
    of_a_pair = " OR ".join(pairs.holds_for(OF_N) for pairs in only.pairs) or "1 = 0"
    of_no_such_run = f" AND NOT EXISTS (SELECT 1 FROM resources_resource n WHERE n.id = r.run_id AND ({of_a_pair}))"
    return [
        *_count_once(_one_by_one(only.kinds - runs - storages, only), stop),
        *_count_once(_one_by_one(runs, only, of_no_pair), stop),
        *_count_once(_one_by_one(storages, only, of_no_such_run), stop),
        *(
            count
            for pairs in only.pairs
            for kinds in (runs, storages)
            for count in _counts_of_pairs(pairs, kinds, only, stop)
        ),
    ]


def _counts_of_pairs(pairs: Pairs, kinds: frozenset[Kind], only: Narrowed, stop: str) -> list[str]:
    """Return what to add up for the runs of pairs, or their default storages, that belong to no pair before."""
    before = [each for each in only.pairs if each.parent == "actor"] if pairs.parent == "task" else []

    def of_none_before(run: RunColumns) -> str:
        return "".join(f" AND NOT {each.holds_for(run)}" for each in before)

    if kinds and kinds == RUNS and only.is_tallied:
        return [_sum(pairs.tally() + of_none_before(OF_TALLY), only)]
    return [
        _count(
            f"SELECT 1 FROM ({_pairs(pairs, only, walk)}) p CROSS JOIN {walk.source}{of_none_before(walk.run)}{stop}"
        )
        for walk in _walks(pairs, kinds, only)
    ]


def _count_once(selects: list[str], stop: str) -> list[str]:
    """Return the number of all that is found, as what to add up: UNION drops what more than one rule finds."""
    union = " UNION ".join(f"SELECT id FROM ({select}{stop}) b" for select in selects)
    return [_count(union)] if selects else []


def _count(select: str) -> str:
    return f"(SELECT COUNT(*) FROM ({select}) c)"


def _sum(tally: str, only: Narrowed) -> str:
    of = only.of_parents(OF_TALLY) + only.with_status("t.status")
    return f"(SELECT COALESCE(SUM(t.runs), 0) FROM {tally}{of})"


# Not as EXISTS, for which PostgreSQL would begin with all runs of these statuses.
_STATUS = "(SELECT j.status FROM resources_run j WHERE j.resource_ptr_id = r.id)"
_RANKS = {reason: rank for rank, reason in enumerate(Reason)}
# Whether there are any of the PAIRS, in their order.
CROWDS = Query(f"SELECT {', '.join(pairs.possible for pairs in PAIRS)}")
