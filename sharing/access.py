"""Who may do what: the decision. The rules and their numbers are those of the access model.

`decide` is pure: facts in, decision out; `sharing/facts.py` fetches the facts in one statement. `listed` asks the
same question the other way round, of the database: what may this account read?
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from accounts.moments import aware
from accounts.principal import Principal
from accounts.statements import Statement, moment_parameter
from resources.jobs import JobStatus
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import GeneralAccess, Resource
from sharing.permissions import NOTHING, Permission
from sharing.signatures import Signed


class AddressedBy(StrEnum):
    """How a request names a resource."""

    ID = "ID"
    NAME = "NAME"


class Reason(StrEnum):
    """The rule that allowed, or that none did."""

    OWNER = "OWNER"
    GRANT = "GRANT"
    ACTOR_GRANT = "ACTOR_GRANT"
    PUBLIC_ACTOR = "PUBLIC_ACTOR"
    ISSUE = "ISSUE"
    OWNER_RUNS = "OWNER_RUNS"
    CREATOR_RUNS = "CREATOR_RUNS"
    RUN = "RUN"
    ANYONE_WITH_NAME = "ANYONE_WITH_NAME"
    ANYONE_WITH_ID = "ANYONE_WITH_ID"
    SIGNATURE = "SIGNATURE"
    NO_ACCESS = "NO_ACCESS"


@dataclass(frozen=True, slots=True)
class Parent:
    """The Actor or task that a build or run belongs to, with what the account has been granted on it."""

    id: str
    owner_id: str
    name: str | None = None
    is_public: bool = False
    granted: Permission = NOTHING


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision needs to know of a resource, as seen by one account.

    `granted` is the account's direct grant, `attached_to_issue` whether a grant from an issue lets it in.
    `owner_general_access`, `owner_shares_runs` and `owner_link_days` (how many days a pre-signed URL may last; None:
    for ever) are the owner's account settings. `link_counter` is part of the key that signs such URLs. `actor` and
    `task` are those of a build or run, `run` is the run whose default storage this is.
    """

    id: str
    kind: Kind
    owner_id: str
    owner_general_access: str
    owner_username: str = ""
    owner_shares_runs: bool = False
    owner_link_days: int | None = None
    link_counter: int = 0
    name: str | None = None
    general_access: str = GeneralAccess.FOLLOW_USER_SETTING
    is_public: bool = False
    granted: Permission = NOTHING
    attached_to_issue: bool = False
    actor: Parent | None = None
    task: Parent | None = None
    run: "Facts | None" = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, the rule that gave it, and the names that explain the rule."""

    allowed: bool
    reason: Reason
    details: dict[str, str] = field(default_factory=dict)


NO_ACCESS = Decision(False, Reason.NO_ACCESS)


def effective_general_access(facts: Facts) -> str:
    """Return the level that holds for a resource: its own, else its run's, else its owner's account's."""
    return general_access_source(facts)[0]


def general_access_source(facts: Facts) -> tuple[str, str | None]:
    """Return the effective level and where it comes from: None for its own, else "RUN" or "ACCOUNT"."""
    if facts.general_access != GeneralAccess.FOLLOW_USER_SETTING:
        return facts.general_access, None
    if facts.run is not None:
        return effective_general_access(facts.run), "RUN"
    return facts.owner_general_access, "ACCOUNT"


def decide(
    principal: Principal,
    facts: Facts,
    permission: Permission,
    addressed_by: AddressedBy = AddressedBy.ID,
    signed: Signed | None = None,
) -> Decision:
    """Decide whether `principal` may do `permission` (one of them) with the resource.

    `facts` must have been fetched for the principal's own account. A scope that does not name the permission
    makes the principal anonymous, so that a scoped token can never do less than no token at all. `signed` is a
    signature that holds, of the very content that the request is for (sharing/links.py: `opened_by`).
    """
    in_scope = principal.scope_allows(permission.name or "", facts.kind, facts.id)
    account_id = principal.account_id if in_scope else None
    if account_id is not None:
        decision = _by_explicit_access(account_id, facts, permission)
        if decision.allowed:
            return decision
    decision = _by_openness(account_id, facts, permission, addressed_by)
    if not decision.allowed and signed is not None and permission is Permission.READ:
        return Decision(True, Reason.SIGNATURE)
    return decision


def _by_explicit_access(account_id: str, facts: Facts, permission: Permission) -> Decision:
    """Rules 1 to 8, for an account. They hold under Restricted."""
    for rule in _EXPLICIT_RULES:
        details = rule(account_id, facts, permission)
        if details is not None:
            return Decision(True, _RULES[rule], details)
    return NO_ACCESS


def _by_openness(account_id: str | None, facts: Facts, permission: Permission, addressed_by: AddressedBy) -> Decision:
    """What anybody may do: rule 4 for the anonymous, and rules 9 and 10."""
    if account_id is None:
        details = _public_actor(None, facts, permission)
        if details is not None:
            return Decision(True, Reason.PUBLIC_ACTOR, details)
    if permission is not Permission.READ or not KINDS[facts.kind].general_access:
        return NO_ACCESS
    level = effective_general_access(facts)
    by_name = addressed_by is AddressedBy.NAME
    if by_name and facts.name is not None and level == GeneralAccess.ANYONE_WITH_NAME_CAN_READ:
        return Decision(True, Reason.ANYONE_WITH_NAME)
    if not by_name and level in _OPEN_BY_ID:
        return Decision(True, Reason.ANYONE_WITH_ID)
    return NO_ACCESS


@dataclass(frozen=True, slots=True)
class Access:
    """A principal before a resource: what the view may ask, to show or hide a button or to check a field."""

    principal: Principal
    resource: Resource
    facts: Facts
    addressed_by: AddressedBy

    def decide(self, permission: Permission) -> Decision:
        """Decide one permission over the facts that were fetched for this request."""
        return decide(self.principal, self.facts, permission, self.addressed_by)

    def allows(self, permission: Permission) -> bool:
        """Tell whether the principal has one permission."""
        return self.decide(permission).allowed

    @property
    def held(self) -> Permission:
        """All permissions that the principal has on the resource."""
        held = Permission(0)
        for permission in Permission:
            if self.allows(permission):
                held |= permission
        return held


# A rule returns None when it does not allow, else the names that explain why it does.
Rule = Callable[[str, Facts, Permission], dict[str, str] | None]


def _owner(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    return {} if facts.owner_id == account_id else None


def _grant(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if permission in facts.granted or (permission is Permission.READ and facts.granted):
        return {}
    return None


def _actor_grant(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is not Kind.BUILD or facts.actor is None:
        return None
    needed = {Permission.READ: Permission(63), Permission.WRITE: Permission.BUILD}.get(permission, NOTHING)
    return _of(facts.actor, "actor") if facts.actor.granted & needed else None


def _public_actor(account_id: str | None, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is Kind.ACTOR and facts.is_public:
        may = permission is Permission.READ or (permission is Permission.RUN and account_id is not None)
        return {} if may else None
    if facts.kind is Kind.BUILD and permission is Permission.READ and facts.actor is not None:
        return _of(facts.actor, "actor") if facts.actor.is_public else None
    return None


def _issue(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    reads_run = facts.kind is Kind.RUN and permission is Permission.READ
    return {} if reads_run and facts.attached_to_issue else None


def _owner_runs(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is not Kind.RUN or permission is not Permission.READ:
        return None
    for what, parent in (("actor", facts.actor), ("task", facts.task)):
        if parent is not None and Permission.VIEW_OWNER_RUNS in parent.granted and parent.owner_id == facts.owner_id:
            return _of(parent, what)
    return None


def _creator_runs(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is not Kind.RUN or permission is not Permission.READ or facts.actor is None:
        return None
    created = facts.actor.is_public and facts.actor.owner_id == account_id
    return _of(facts.actor, "actor") if created and facts.owner_shares_runs else None


def _run(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.run is None or permission is not Permission.READ:
        return None
    by = _by_explicit_access(account_id, facts.run, Permission.READ)
    return {"runId": facts.run.id, "runReason": by.reason.value, **by.details} if by.allowed else None


def _of(parent: Parent, what: str) -> dict[str, str]:
    return {f"{what}Id": parent.id, f"{what}Name": parent.name or parent.id}


_RULES: dict[Rule, Reason] = {
    _owner: Reason.OWNER,
    _grant: Reason.GRANT,
    _actor_grant: Reason.ACTOR_GRANT,
    _public_actor: Reason.PUBLIC_ACTOR,
    _issue: Reason.ISSUE,
    _owner_runs: Reason.OWNER_RUNS,
    _creator_runs: Reason.CREATOR_RUNS,
    _run: Reason.RUN,
}
_EXPLICIT_RULES = tuple(_RULES)
_OPEN_BY_ID = frozenset({GeneralAccess.ANYONE_WITH_ID_CAN_READ.value, GeneralAccess.ANYONE_WITH_NAME_CAN_READ.value})


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


@dataclass(frozen=True, slots=True)
class _Branch:
    """One rule as a query: `r` is the resource that it finds, `%(me)s` the account.

    `kinds` are those that the rule can find. `id`, `created_at` and `kind` are the columns to sort and filter by,
    those of the grant where its index has them; so are `actor`, `task` and `status`, where there is one. A branch
    `by_kind` is asked once for each kind, as its index is sorted; one with a `status` once for each status. `alone` is
    the source for a list without conditions on `r`: the index of the grants has all that such a list reads. There is
    no need to leave out what is one's own, on which nobody is ever granted anything (sharing/grants.py,
    sharing/issues.py).
    """

    reason: Reason
    kinds: frozenset[Kind]
    source: str
    id: str = "r.id"
    created_at: str = "r.created_at"
    kind: str = "r.kind"
    actor: str = "r.actor_id"
    task: str = "r.task_id"
    status: str = ""
    by_kind: bool = False
    alone: str = ""


_ALL = frozenset(Kind)
_RUNS = frozenset({Kind.RUN})
_VIEWS = f"g.permissions & {Permission.VIEW_OWNER_RUNS.value} <> 0"

# Rules 2, 5, 6 and 7 for runs: each finds `run`. Rule 8 follows them to the default storages. It need not follow
# rule 1, because a default storage always has the owner of its run, and is that owner's own anyway.
# CROSS JOIN is the same as JOIN, but that SQLite joins in the order in which it stands there, from what the account
# was granted or owns: where an Actor is named, it would begin with all runs of the Actor.
_RUNS_BY_ACTOR = (
    "sharing_grant g CROSS JOIN resources_resource a CROSS JOIN resources_resource {run} "
    f"WHERE g.account_id = %(me)s AND g.resource_kind = 'actor' AND {_VIEWS} AND a.id = g.resource_id "
    "AND {run}.actor_id = a.id AND {run}.kind = 'run' AND {run}.owner_id = a.owner_id"
)
_RUNS_BY_TASK = (
    "sharing_grant g CROSS JOIN resources_resource t CROSS JOIN resources_resource {run} "
    f"WHERE g.account_id = %(me)s AND g.resource_kind = 'task' AND {_VIEWS} AND t.id = g.resource_id "
    "AND {run}.task_id = t.id AND {run}.kind = 'run' AND {run}.owner_id = t.owner_id"
)
_RUNS_OF_USERS = (
    "resources_resource a CROSS JOIN resources_resource {run} CROSS JOIN accounts_account u "
    "WHERE a.owner_id = %(me)s AND a.kind = 'actor' AND a.is_public AND {run}.actor_id = a.id AND {run}.kind = 'run' "
    "AND u.id = {run}.owner_id AND u.share_runs_with_actor_creators"
)
_RUNS_GRANTED = (
    "sharing_grant g CROSS JOIN resources_resource {run} "
    "WHERE g.account_id = %(me)s AND g.resource_kind = 'run' AND {run}.id = g.resource_id"
)


def _storages_of(runs: str) -> str:
    """Return the query that finds the default storages of the runs that `runs` finds."""
    found, _, condition = runs.format(run="run").partition("WHERE")
    return f"{found} CROSS JOIN resources_resource r WHERE {condition} AND r.run_id = run.id"


_MINE = (_Branch(Reason.OWNER, _ALL, "resources_resource r WHERE r.owner_id = %(me)s", by_kind=True),)
# The same for runs of some statuses, from the index that has all of it (resources/models/run.py).
_MINE_BY_STATUS = (
    _Branch(
        Reason.OWNER,
        _RUNS,
        "resources_run k WHERE k.list_owner = %(me)s",
        id="k.resource_ptr_id",
        created_at="k.list_at",
        actor="k.list_actor",
        task="k.list_task",
        status="k.status",
    ),
)
# Nothing is found in the tally, but how much there is.
_TALLIED = _Branch(
    Reason.OWNER,
    _RUNS,
    "resources_runtally t WHERE t.owner = %(me)s",
    actor="t.actor",
    task="t.task",
    status="t.status",
)
_GRANTED = "sharing_grant g CROSS JOIN resources_resource r WHERE r.id = g.resource_id AND "
_GRANTED_ALONE = "sharing_grant g WHERE "
_DIRECTLY = "g.account_id = %(me)s AND g.source = 'DIRECT'"
_BY_ISSUE = "g.account_id = %(me)s AND g.source = 'ISSUE' AND g.resource_kind = 'run'"
_SHARED = (
    _Branch(
        Reason.GRANT,
        _ALL,
        _GRANTED + _DIRECTLY,
        id="g.resource_id",
        created_at="g.resource_created_at",
        kind="g.resource_kind",
        alone=_GRANTED_ALONE + _DIRECTLY,
    ),
    _Branch(
        Reason.ACTOR_GRANT,
        frozenset({Kind.BUILD}),
        "sharing_grant g CROSS JOIN resources_resource r WHERE g.account_id = %(me)s AND g.resource_kind = 'actor' "
        "AND r.actor_id = g.resource_id AND r.kind = 'build'",
    ),
    _Branch(
        Reason.ISSUE,
        _RUNS,
        _GRANTED + _BY_ISSUE,
        id="g.resource_id",
        created_at="g.resource_created_at",
        alone=_GRANTED_ALONE + _BY_ISSUE,
    ),
    _Branch(Reason.OWNER_RUNS, _RUNS, _RUNS_BY_ACTOR.format(run="r")),
    _Branch(Reason.OWNER_RUNS, _RUNS, _RUNS_BY_TASK.format(run="r")),
    _Branch(Reason.CREATOR_RUNS, _RUNS, _RUNS_OF_USERS.format(run="r")),
    *(
        _Branch(Reason.RUN, frozenset(STORAGES), _storages_of(runs))
        for runs in (_RUNS_GRANTED, _RUNS_BY_ACTOR, _RUNS_BY_TASK, _RUNS_OF_USERS)
    ),
)


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
    """Return a page of what an account owns, is shared with it, or both, by time of creation, in one statement.

    It says for many resources what `decide` says for one, and must agree with it row by row; the tests hold them to
    each other. There is one branch for each rule, and every branch starts from what the account has been granted or
    owns and walks indexes from there, so that the cost never depends on how much there is in the system.

    `kinds` of None are all; `named_only` leaves out what has no name; `search` is a part of the name, whatever its
    case, or a whole ID; `actor_id` and `task_id` leave only what belongs to that Actor or task, `statuses` only
    runs that have one of them, `since` and `until` only what was created then or in between. What is readable by its
    link alone, or because an Actor is public, is never listed.
    """
    only = _only(named_only, search, actor_id, task_id, statuses, since, until)
    query = _listing(ownership, _key(kinds), only, newest_first)
    parameters = _parameters(account_id, search, actor_id, task_id, since, until)
    parameters |= {"reach": offset + limit, "limit": limit, "offset": offset}
    return [
        # One by one: to unpack a row by a star, or to call a function for it, takes as long as all else about it.
        Listed(id_, _KINDS[kind], _REASONS[rank], name, title, owner_id, username, level, aware(created_at))
        for id_, kind, rank, name, title, owner_id, username, level, created_at in (
            query.rows(parameters) if query else ()
        )
    ]


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
) -> int:
    """Return how many rows `listed` has in all with these filters."""
    only = _only(named_only, search, actor_id, task_id, statuses, since, until)
    query = _counting(ownership, _key(kinds), only)
    return int(query.rows(_parameters(account_id, search, actor_id, task_id, since, until))[0][0]) if query else 0


class _Only(NamedTuple):
    """Which conditions a list has besides ownership and kind."""

    named: bool = False
    searched: bool = False
    of_actor: bool = False
    of_task: bool = False
    statuses: frozenset[JobStatus] = frozenset()
    since: bool = False
    until: bool = False

    @property
    def by_status(self) -> bool:
        """Whether the index of runs by their status has all that is asked for."""
        return bool(self.statuses) and not self.named and not self.searched

    @property
    def is_tallied(self) -> bool:
        """Whether the number of one's own runs need not be counted."""
        return not (self.named or self.searched or self.since or self.until)

    def tally_conditions(self) -> list[str]:
        """Return what to add to the WHERE of the tally: a condition for each time that it is asked."""
        return [self.conditions(_TALLIED) + status for status in self.status_conditions(_TALLIED)]

    def conditions(self, branch: _Branch) -> str:
        """Return what is added to a branch's WHERE; the values are bound by name."""
        conditions = " AND r.name IS NOT NULL" if self.named else ""
        if self.searched:
            conditions += " AND (LOWER(r.name) LIKE %(pattern)s ESCAPE '!' OR r.id = %(search)s)"
        if self.of_actor:
            conditions += f" AND {branch.actor} = %(actor)s"
        if self.of_task:
            conditions += f" AND {branch.task} = %(task)s"
        if self.since:
            conditions += f" AND {branch.created_at} >= %(since)s"
        if self.until:
            conditions += f" AND {branch.created_at} <= %(until)s"
        return conditions

    def status_conditions(self, branch: _Branch) -> list[str]:
        """Return what to add besides for the statuses: a condition for each time that the branch is asked."""
        words = [f"'{JobStatus(status).value}'" for status in sorted(self.statuses)]
        if not words:
            return [""]
        if branch.status:
            return [f" AND {branch.status} = {word}" for word in words]
        # Not as EXISTS, for which PostgreSQL would begin with all runs of these statuses.
        status = "(SELECT j.status FROM resources_run j WHERE j.resource_ptr_id = r.id)"
        return [f" AND {status} IN ({', '.join(words)})"]


def _only(
    named_only: bool,
    search: str,
    actor_id: str,
    task_id: str,
    statuses: Collection[JobStatus],
    since: datetime | None,
    until: datetime | None,
) -> _Only:
    chosen = frozenset(statuses)
    return _Only(named_only, bool(search), bool(actor_id), bool(task_id), chosen, since is not None, until is not None)


class _Query:
    """A statement with named parameters, put together once for each set of filters."""

    def __init__(self, sql: str) -> None:
        self._names = re.findall(r"%\((\w+)\)s", sql)
        self._statement = Statement(re.sub(r"%\(\w+\)s", "%s", sql))

    def rows(self, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._statement.rows([parameters[name] for name in self._names])


@lru_cache(maxsize=256)
def _listing(ownership: Ownership, kinds: frozenset[Kind] | None, only: _Only, newest_first: bool) -> _Query | None:
    direction = "DESC" if newest_first else "ASC"
    # No branch has to give more than the page needs; it stops early where an index is sorted.
    stop = f"ORDER BY at {direction}, id {direction} LIMIT %(reach)s"
    branches = _branches(ownership, kinds, only)
    union = " UNION ALL ".join(f"SELECT * FROM ({branch} {stop}) b" for branch in branches)
    sql = (
        # As an expression the time has no declared type, so that Django's converter does not read it before we do.
        "SELECT r.id, r.kind, f.reason, r.name, r.title, r.owner_id, o.username, r.general_access, "
        f"COALESCE(f.at, NULL) FROM (SELECT id, at, MIN(rank) AS reason FROM ({union}) u GROUP BY at, id "
        f"ORDER BY at {direction}, id {direction} LIMIT %(limit)s OFFSET %(offset)s) f "
        "JOIN resources_resource r ON r.id = f.id JOIN accounts_account o ON o.id = r.owner_id "
        f"ORDER BY f.at {direction}, f.id {direction}"
    )
    return _Query(sql) if branches else None


@lru_cache(maxsize=256)
def _counting(ownership: Ownership, kinds: frozenset[Kind] | None, only: _Only) -> _Query | None:
    counts = [] if ownership is Ownership.SHARED else _counts_of_own(_ALL if kinds is None else kinds, only)
    shared = [] if ownership is Ownership.MINE else _branches(Ownership.SHARED, kinds, only)
    if shared:
        # UNION drops what more than one rule finds; the columns that differ by rule are left out.
        counts.append(_count_of(" UNION ".join(f"SELECT id FROM ({branch}) b" for branch in shared)))
    return _Query(f"SELECT {' + '.join(counts)}") if counts else None


def _counts_of_own(kinds: frozenset[Kind], only: _Only) -> list[str]:
    """Return what to add up: own resources are found by one rule and nothing else, so none is counted twice."""
    tallied = kinds & _RUNS if only.is_tallied else frozenset()
    counts = [_count_of(branch) for branch in _branches(Ownership.MINE, kinds - tallied, only)]
    if tallied:
        # There may be a million, which the database has counted as they came (resources/models/run_tally.py).
        counts += [
            f"(SELECT COALESCE(SUM(t.runs), 0) FROM {_TALLIED.source}{more})" for more in only.tally_conditions()
        ]
    return counts


def _count_of(rows: str) -> str:
    return f"(SELECT COUNT(*) FROM ({rows}) c)"


def _branches(ownership: Ownership, kinds: frozenset[Kind] | None, only: _Only) -> list[str]:
    """Return the SELECTs of the rules that can find something here."""
    return [
        f"SELECT {branch.id} AS id, {_RANKS[branch.reason]} AS rank, {branch.created_at} AS at "
        f"FROM {_source(branch, kind, status + only.conditions(branch))}"
        for branch in _rules(ownership, only)
        for kind in _kind_conditions(branch, branch.kinds if kinds is None else branch.kinds & kinds)
        for status in only.status_conditions(branch)
    ]


def _source(branch: _Branch, kind: str, conditions: str) -> str:
    """Return where a branch looks, with its conditions; that on the kind is not about `r` where it can do without."""
    if branch.alone and not conditions:
        return branch.alone + kind
    not_own = " AND r.owner_id <> %(me)s" if branch in _SHARED else ""
    return f"{branch.source}{kind}{conditions}{not_own}"


def _rules(ownership: Ownership, only: _Only) -> tuple[_Branch, ...]:
    mine = _MINE_BY_STATUS if only.by_status else _MINE
    return {Ownership.MINE: mine, Ownership.SHARED: _SHARED, Ownership.BOTH: mine + _SHARED}[ownership]


def _key(kinds: Sequence[Kind] | None) -> frozenset[Kind] | None:
    return None if kinds is None else frozenset(kinds)


def _parameters(
    account_id: str, search: str, actor_id: str, task_id: str, since: datetime | None, until: datetime | None
) -> dict[str, Any]:
    pattern = f"%{_escape_like(search.lower())}%"
    parameters = {"me": account_id, "search": search, "pattern": pattern, "actor": actor_id, "task": task_id}
    return parameters | {"since": moment_parameter(since), "until": moment_parameter(until)}


def _kind_conditions(branch: _Branch, wanted: frozenset[Kind]) -> list[str]:
    """Return what to add to a branch's WHERE for the wanted kinds: a condition for each time that it is asked."""
    in_order = sorted(wanted)
    if wanted and not branch.by_kind and wanted == branch.kinds:
        return [""]
    if branch.by_kind or len(in_order) == 1:
        return [f" AND {branch.kind} = '{kind.value}'" for kind in in_order]
    return [f" AND {branch.kind} IN ({', '.join(repr(kind.value) for kind in in_order)})"] if in_order else []


def _escape_like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


_KINDS = {kind.value: kind for kind in Kind}
_REASONS = list(Reason)
_RANKS = {reason: rank for rank, reason in enumerate(_REASONS)}
