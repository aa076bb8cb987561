"""What an account may read: the decision's twin over the database, as lists and their totals.

It says for many resources what `decide` (sharing/access.py) says for one, and must agree with it row by row; the
tests hold them to each other. The rules are in `sharing/list_rules.py`; here they become one statement. No rule gives
more than the page needs, and none reads more than that where an index is sorted, so that a page takes as long among
a million as among a hundred.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.db import connection

from accounts.moments import aware
from accounts.statements import Statement, moment_parameter
from resources.jobs import JobStatus
from resources.kinds import Kind
from sharing.access import Reason
from sharing.list_rules import (
    ALL,
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

# From here on a page is worth to count for.
DEEP = 5_000
# So many rows of the tally must be of an Actor's users who share their runs before lists take these users as one.
CROWD = 1_000


class Ownership(StrEnum):
    """Which of the two lists: what the account owns, what is shared with it, or both together."""

    MINE = "MINE"
    SHARED = "SHARED"
    BOTH = "BOTH"


class Listed(NamedTuple):
    """One row of a list, with the first rule that lets the account read it."""

    id: str
    kind: Kind
    reason: Reason
    name: str | None
    title: str
    owner_id: str
    owner_username: str
    general_access: str
    created_at: datetime


def listed(
    account_id: str,
    *,
    ownership: Ownership = Ownership.BOTH,
    kinds: Sequence[Kind] | None = None,
    named_only: bool = False,
    search: str = "",
    actor_id: str = "",
    task_id: str = "",
    statuses: Collection[JobStatus] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    offset: int = 0,
    limit: int = 50,
    newest_first: bool = True,
) -> list[Listed]:
    """Return a page of what an account owns, is shared with it, or both, by time of creation.

    It takes at most two statements, deep in a list four, however much there is.

    `kinds` of None are all; `named_only` leaves out what has no name; `search` is a part of the name, whatever its
    case, or a whole ID; `actor_id` and `task_id` leave only what belongs to that Actor or task, `statuses` only
    runs that have one of them, `since` and `until` only what was created then or in between. What is readable by its
    link alone, or because an Actor is public, is never listed.
    """
    only = _only(kinds, named_only, search, actor_id, task_id, statuses, since, until)
    only = replace(only, crowds=_crowds(account_id, ownership, only))
    bound = _parameters(account_id, search, actor_id, task_id, since, until)
    if offset < DEEP:
        return _page(ownership, only, newest_first, bound, offset, limit)
    return _deep_page(ownership, only, newest_first, bound, offset, limit)


def count_listed(
    account_id: str,
    *,
    ownership: Ownership = Ownership.BOTH,
    kinds: Sequence[Kind] | None = None,
    named_only: bool = False,
    search: str = "",
    actor_id: str = "",
    task_id: str = "",
    statuses: Collection[JobStatus] = (),
    since: datetime | None = None,
    until: datetime | None = None,
    at_most: int | None = None,
) -> int:
    """Return how many rows `listed` has in all with these filters, in one statement.

    Where the number would have to be counted, that may stop `at_most` so far: a number below it is exact, any other
    only says that there are at least as many.
    """
    only = _only(kinds, named_only, search, actor_id, task_id, statuses, since, until)
    return _total(ownership, only, _parameters(account_id, search, actor_id, task_id, since, until), at_most)


@dataclass(frozen=True, slots=True)
class _Only:
    """What a list is narrowed to besides ownership: kinds, and which conditions it has, whose values are bound.

    `crowds` are those of the PAIRS, by their number, that can find something.
    """

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


def _only(
    kinds: Sequence[Kind] | None,
    named_only: bool,
    search: str,
    actor_id: str,
    task_id: str,
    statuses: Collection[JobStatus],
    since: datetime | None,
    until: datetime | None,
) -> _Only:
    wanted = ALL if kinds is None else frozenset(kinds)
    if actor_id or task_id or statuses:  # which no storage has of its own
        wanted -= STORAGE_KINDS
    chosen = frozenset(JobStatus(status) for status in statuses)
    if chosen:
        wanted &= RUNS
    named, searched, at_times = bool(named_only), bool(search), (since is not None, until is not None)
    return _Only(wanted, named, searched, bool(actor_id), bool(task_id), chosen, *at_times)


class _Query:
    """A statement with named parameters, put together once for each set of filters."""

    def __init__(self, sql: str) -> None:
        self._names = re.findall(r"%\((\w+)\)s", sql)
        self._statement = Statement(re.sub(r"%\(\w+\)s", "%s", sql))

    def rows(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._statement.rows([parameters[name] for name in self._names])


def _page(
    ownership: Ownership,
    only: _Only,
    newest_first: bool,
    bound: Mapping[str, Any],
    offset: int,
    limit: int,
    skip: int = 0,
) -> list[Listed]:
    """Return a page; `skip` is how many of one's own are certain to come before all of it."""
    query = _listing(ownership, only, newest_first)
    if query is None:
        return []
    pages = {
        "reach": offset + limit,
        "offset": offset - skip,
        "limit": limit,
        "skip": skip,
        "own": offset + limit - skip,
    }
    return [
        # One by one: to unpack a row by a star, or to call a function for it, takes as long as all else about it.
        Listed(id_, _KINDS[kind], _REASONS[rank], name, title, owner_id, username, level, aware(created_at))
        for id_, kind, rank, name, title, owner_id, username, level, created_at in query.rows({**bound, **pages})
    ]


def _deep_page(
    ownership: Ownership, only: _Only, newest_first: bool, bound: Mapping[str, Any], offset: int, limit: int
) -> list[Listed]:
    """Return a page that so many rows come before that it is worth to count first, in two more statements.

    It is then read from the nearer end. And of what comes before it, no more can be shared than there is; the rest is
    one's own, and skipped within the index.
    """
    mine, shared = (
        0 if ownership is left_out else _total(only_this, only, bound)
        for only_this, left_out in ((Ownership.MINE, Ownership.SHARED), (Ownership.SHARED, Ownership.MINE))
    )
    limit = min(limit, mine + shared - offset)
    if limit <= 0:
        return []
    is_nearer_to_end = offset > mine + shared - offset - limit
    if is_nearer_to_end:
        offset, newest_first = mine + shared - offset - limit, not newest_first
    skip = max(0, offset - shared) if mine and len(_own(only.kinds, only)) == 1 else 0
    rows = _page(ownership, only, newest_first, bound, offset, limit, skip)
    return rows[::-1] if is_nearer_to_end else rows


def _crowds(account_id: str, ownership: Ownership, only: _Only) -> tuple[int, ...]:
    """Return which of the PAIRS a list has to ask: for most accounts none, and databases take long to plan for them.

    Totals need not look: theirs is a plan that PostgreSQL keeps.
    """
    if ownership is Ownership.MINE or not only.kinds & (RUNS | STORAGE_KINDS):
        return ()
    [answers] = _CROWDS.rows({"me": account_id})
    return tuple(number for number, possible in enumerate(answers) if possible)


@lru_cache(maxsize=256)
def _listing(ownership: Ownership, only: _Only, newest_first: bool) -> _Query | None:
    direction = "DESC" if newest_first else "ASC"
    order = f"ORDER BY at {direction}, id {direction}"
    mine = [] if ownership is Ownership.SHARED else _own(only.kinds, only)
    shared = [] if ownership is Ownership.MINE else _others(only, direction)
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
    return _Query(sql) if branches else None


def _others(only: _Only, direction: str) -> list[str]:
    """Return the SELECTs, of `id`, `rank` and `at`, of all that finds something that is shared."""
    return [*_one_by_one(only.kinds, only), *_by_the_crowd(only, direction)]


# ---- what is found one by one


def _own(kinds: frozenset[Kind], only: _Only) -> list[str]:
    rules = MINE_BY_STATUS if only.statuses and not only.picks else MINE
    return [select for rule in rules for select in _selects(rule, kinds, only)]


def _one_by_one(kinds: frozenset[Kind], only: _Only, condition: str = "") -> list[str]:
    return [select for rule in SHARED for select in _selects(rule, kinds, only, condition)]


def _selects(rule: Rule, kinds: frozenset[Kind], only: _Only, condition: str = "") -> list[str]:
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


def _by_the_crowd(only: _Only, direction: str) -> list[str]:
    """Return the SELECTs of runs that are shared by the crowd, and of their default storages (rule 8)."""
    find = _picked if only.picks else partial(_first, direction=direction)
    return [
        f"SELECT r.id AS id, {_RANKS[reason]} AS rank, r.created_at AS at FROM {found}"
        for pairs in only.pairs
        for reason, kinds in ((pairs.reason, only.kinds & RUNS), (Reason.RUN, only.kinds & STORAGE_KINDS))
        for found in find(pairs, kinds, only)
    ]


def _first(pairs: Pairs, kinds: frozenset[Kind], only: _Only, direction: str) -> list[str]:
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


def _walks(pairs: Pairs, kinds: frozenset[Kind], only: _Only) -> list[_Walk]:
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


def _walk(runs: str, kinds: frozenset[Kind], only: _Only) -> _Walk:
    """Return the way through some runs, `n`, or through their default storages, by the time of the runs."""
    tables, _, where = runs.partition(" WHERE ")
    where += only.within("n.created_at")
    if kinds == RUNS:
        return _Walk(f"{tables} WHERE {where}", OF_N, "n.id", "n.created_at")
    # Default storages are made at the same time as their run (resources/runs/starting.py).
    of = "" if kinds == STORAGE_KINDS else _of_kinds(kinds, "s.kind")
    source = f"{tables} CROSS JOIN resources_resource s WHERE {where} AND s.run_id = n.id{of}"
    return _Walk(source, OF_N, "s.id", "n.created_at")


def _of_pair(pairs: Pairs, only: _Only, run: RunColumns) -> str:
    """Return the condition that a run belongs to the pair `p`, and to the Actor and task that the list is of."""
    if pairs.parent == "task" or only.of_task:
        run = run._replace(actor=f"({run.actor} || '')")  # so that the index of the task is taken, which has fewer
    return f"{run.owner} = p.owner AND {getattr(run, pairs.parent)} = p.id{only.of_parents(run)}"


def _pairs(pairs: Pairs, only: _Only, walk: _Walk, condition: str = "") -> str:
    """Return the SELECT of those pairs that can have something of the Actor, task and status that are asked for."""
    wanted = only.of_actor if pairs.parent == "actor" else only.of_task
    condition += f" AND {pairs.id} = %({pairs.parent})s" if wanted else ""
    others = only.of_task if pairs.parent == "actor" else only.of_actor
    if others:  # all runs of the task would be walked to find none of the Actor; the tally knows it
        condition += pairs.tallied(only.of_parents(OF_TALLY))
    return pairs.query(f"{condition} AND t.status = '{walk.status}'" if pairs.many and walk.status else condition)


def _picked(pairs: Pairs, kinds: frozenset[Kind], only: _Only) -> list[str]:
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


def _total(ownership: Ownership, only: _Only, bound: Mapping[str, Any], at_most: int | None = None) -> int:
    query = _counting(ownership, only, at_most is not None)
    return int(query.rows({**bound, "most": at_most})[0][0]) if query else 0


@lru_cache(maxsize=256)
def _counting(ownership: Ownership, only: _Only, is_capped: bool) -> _Query | None:
    stop = " LIMIT %(most)s" if is_capped else ""
    counts = [] if ownership is Ownership.SHARED else _counts_of_own(only, stop)
    if ownership is not Ownership.MINE:
        counts += _counts_of_picked(only, stop) if only.picks else _counts_of_shared(only, stop)
    return _Query(f"SELECT {' + '.join(counts)}") if counts else None


def _counts_of_own(only: _Only, stop: str) -> list[str]:
    """Return what to add up: own resources are found by one rule and nothing else, so none is counted twice."""
    tallied = only.kinds & RUNS if only.is_tallied else frozenset[Kind]()
    counts = [_count(f"{select}{stop}") for select in _own(only.kinds - tallied, only)]
    if tallied:
        # There may be a million, which the database has counted as they came (resources/models/run_tally.py).
        counts.append(_sum(MINE_TALLIED, only))
    return counts


def _counts_of_picked(only: _Only, stop: str) -> list[str]:
    return _count_once(_others(only, "DESC"), stop)


def _counts_of_shared(only: _Only, stop: str) -> list[str]:
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


def _counts_of_pairs(pairs: Pairs, kinds: frozenset[Kind], only: _Only, stop: str) -> list[str]:
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


def _sum(tally: str, only: _Only) -> str:
    of = only.of_parents(OF_TALLY) + only.with_status("t.status")
    return f"(SELECT COALESCE(SUM(t.runs), 0) FROM {tally}{of})"


def _parameters(
    account_id: str, search: str, actor_id: str, task_id: str, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    pattern = f"%{_escape_like(search.lower())}%"
    parameters = {
        "me": account_id,
        "search": search,
        "pattern": pattern,
        "actor": actor_id,
        "task": task_id,
        "crowd": CROWD,
    }
    return parameters | {"since": moment_parameter(since), "until": moment_parameter(until)}


def _escape_like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


# Not as EXISTS, for which PostgreSQL would begin with all runs of these statuses.
_STATUS = "(SELECT j.status FROM resources_run j WHERE j.resource_ptr_id = r.id)"
_CROWDS = _Query(f"SELECT {', '.join(pairs.possible for pairs in PAIRS)}")
_KINDS = {kind.value: kind for kind in Kind}
_REASONS = list(Reason)
_RANKS = {reason: rank for rank, reason in enumerate(_REASONS)}
