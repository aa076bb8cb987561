"""The rules of explicit access as queries: where a list looks for what an account may read. `%(me)s` is the account.

Each begins with what the account was granted or owns and walks indexes from there, so that the cost never depends on
how much there is in the system. A `Rule` finds resources one by one. `Pairs` find what is shared by the crowd, be it
three or a million: pairs of an Actor or task and an owner, all of whose runs of it may be read.

CROSS JOIN is the same as JOIN, but that SQLite joins in the order in which it stands there: where an Actor is named,
it would begin with all runs of the Actor.
"""

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from resources.kinds import STORAGES, Kind
from sharing.access import Reason
from sharing.permissions import Permission

ALL: Final = frozenset(Kind)
RUNS: Final = frozenset({Kind.RUN})
STORAGE_KINDS: Final = frozenset(STORAGES)
# What is only ever called by its ID.
NAMELESS: Final = frozenset({Kind.RUN, Kind.BUILD})


class RunColumns(NamedTuple):
    """Where a run's owner, Actor and task stand."""

    owner: str
    actor: str
    task: str

    @classmethod
    def of(cls, resource: str) -> "RunColumns":
        """Return the columns of a row of the table of resources."""
        return cls(f"{resource}.owner_id", f"{resource}.actor_id", f"{resource}.task_id")


OF_RESOURCE: Final = RunColumns.of("r")
OF_N: Final = RunColumns.of("n")
# The same in the columns that lists are read from (resources/models/run.py), and in the tally (.../run_tally.py).
OF_RUN: Final = RunColumns("k.list_owner", "k.list_actor", "k.list_task")
OF_TALLY: Final = RunColumns("t.owner", "t.actor", "t.task")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as a query: `r` is the resource that it finds.

    `kinds` are those that the rule can find. `id`, `created_at` and `kind` are the columns to sort and filter by,
    those of the grant where its index has them; so are `run` and `status`, where there is one. A rule `by_kind` is
    asked once for each kind, as its index is sorted; one with a `status` once for each status. `alone` is the source
    for a list without conditions on `r`: the index of the grants has all that such a list reads. `repeats` says that
    it may find something more than once, as where a run is attached to two issues.
    """

    reason: Reason
    kinds: frozenset[Kind]
    source: str
    id: str = "r.id"
    created_at: str = "r.created_at"
    kind: str = "r.kind"
    run: RunColumns = OF_RESOURCE
    status: str = ""
    by_kind: bool = False
    alone: str = ""
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """One rule that shares all runs that an owner has of an Actor or task: the pairs of these two.

    They are found in `tables`, `where` something holds, as `id` and `owner`; a run belongs to a pair by its owner and
    its `parent`. `holds` says the same of one run, given its {owner}, {actor} and {task}. `possible` is a look whether
    there may be any. `many` says that an Actor may have thousands of owners: they are then read from the tally of
    runs, `t`.
    """

    reason: Reason
    parent: Literal["actor", "task"]
    tables: str
    where: str
    id: str
    owner: str
    holds: str
    possible: str
    many: bool = False

    def query(self, condition: str = "") -> str:
        """Return the SELECT of the pairs, `id` and `owner`, each once."""
        distinct = "DISTINCT " if self.many else ""
        return (
            f"SELECT {distinct}{self.id} AS id, {self.owner} AS owner FROM {self.tables} WHERE {self.where}{condition}"
        )

    def tally(self) -> str:
        """Return what follows FROM to find the rows `t` of the tally that count the pairs' runs."""
        if self.many:
            return f"{self.tables} WHERE {self.where}"
        return f"{self.tables} CROSS JOIN resources_runtally t WHERE {self.where} AND {self._of_pair}"

    def tallied(self, condition: str) -> str:
        """Return the condition that the tally has runs of the pair for which `condition` holds."""
        if self.many:
            return condition
        # Not as EXISTS, for which PostgreSQL would walk the runs of all pairs first.
        return f" AND (SELECT SUM(t.runs) FROM resources_runtally t WHERE {self._of_pair}{condition}) > 0"

    @property
    def _of_pair(self) -> str:
        return f"t.owner = {self.owner} AND t.{self.parent} = {self.id}"

    def holds_for(self, run: RunColumns) -> str:
        """Return the condition that a run, or what the tally counts, belongs to one of the pairs."""
        return self.holds.format(**run._asdict())


# Rule 1.
MINE: Final = (Rule(Reason.OWNER, ALL, "resources_resource r WHERE r.owner_id = %(me)s", by_kind=True),)
# The same for runs of some statuses, from the index that has all of it.
MINE_BY_STATUS: Final = (
    Rule(
        Reason.OWNER,
        RUNS,
        "resources_run k WHERE k.list_owner = %(me)s",
        id="k.resource_ptr_id",
        created_at="k.list_at",
        run=OF_RUN,
        status="k.status",
    ),
)
# Nothing is found in the tally, but how much there is.
MINE_TALLIED: Final = "resources_runtally t WHERE t.owner = %(me)s"

# Rules 2, 3 and 5. Nobody is ever granted anything on what is theirs (sharing/grants.py, sharing/issues.py).
_GRANTED = "sharing_grant g CROSS JOIN resources_resource r WHERE r.id = g.resource_id AND "
_GRANTED_ALONE = "sharing_grant g WHERE "
_DIRECTLY = "g.account_id = %(me)s AND g.source = 'DIRECT'"
_BY_ISSUE = "g.account_id = %(me)s AND g.source = 'ISSUE' AND g.resource_kind = 'run'"
SHARED: Final = (
    Rule(
        Reason.GRANT,
        ALL,
        _GRANTED + _DIRECTLY,
        id="g.resource_id",
        created_at="g.resource_created_at",
        kind="g.resource_kind",
        alone=_GRANTED_ALONE + _DIRECTLY,
    ),
    Rule(
        Reason.ACTOR_GRANT,
        frozenset({Kind.BUILD}),
        "sharing_grant g CROSS JOIN resources_resource r WHERE g.account_id = %(me)s AND g.resource_kind = 'actor' "
        "AND r.actor_id = g.resource_id AND r.kind = 'build'",
    ),
    Rule(
        Reason.ISSUE,
        RUNS,
        _GRANTED + _BY_ISSUE,
        id="g.resource_id",
        created_at="g.resource_created_at",
        alone=_GRANTED_ALONE + _BY_ISSUE,
        repeats=True,
    ),
    # Rule 8 by rules 2 and 5. By rule 1 it need not be followed: a default storage has the owner of its run.
    Rule(
        Reason.RUN,
        STORAGE_KINDS,
        "sharing_grant g CROSS JOIN resources_resource r "
        "WHERE g.account_id = %(me)s AND g.resource_kind = 'run' AND r.run_id = g.resource_id",
        repeats=True,
    ),
)


def _viewed(parent: Literal["actor", "task"]) -> Pairs:
    """Rule 6: of an Actor or task on which the account has VIEW_OWNER_RUNS, the runs of whoever owns it."""
    granted = f"g.account_id = %(me)s AND g.permissions & {Permission.VIEW_OWNER_RUNS.value} <> 0"
    tables = "sharing_grant g CROSS JOIN resources_resource a"
    return Pairs(
        Reason.OWNER_RUNS,
        parent,
        tables,
        f"{granted} AND g.resource_kind = '{parent}' AND a.id = g.resource_id",
        id="a.id",
        owner="a.owner_id",
        holds=f"EXISTS (SELECT 1 FROM {tables} WHERE g.resource_id = {{{parent}}} AND {granted} "
        f"AND a.id = {{{parent}}} AND a.kind = '{parent}' AND a.owner_id = {{owner}})",
        possible=f"EXISTS (SELECT 1 FROM sharing_grant g WHERE {granted} AND g.resource_kind = '{parent}')",
    )


_CREATED = "a.owner_id = %(me)s AND a.kind = 'actor' AND a.is_public"
_SHARES = "u.share_runs_with_actor_creators AND u.id <> %(me)s"
_OF_USERS = "resources_runtally t CROSS JOIN accounts_account u"
# Rule 7: of the account's own public Actors, the runs of whoever shares theirs with creators.
_CREATED_ACTORS = Pairs(
    Reason.CREATOR_RUNS,
    "actor",
    _OF_USERS,
    f"t.actor IN (SELECT a.id FROM resources_resource a WHERE {_CREATED}) AND u.id = t.owner AND {_SHARES}",
    id="t.actor",
    owner="t.owner",
    holds="EXISTS (SELECT 1 FROM resources_resource a CROSS JOIN accounts_account u "
    f"WHERE a.id = {{actor}} AND {_CREATED} AND u.id = {{owner}} AND {_SHARES})",
    possible=f"EXISTS (SELECT 1 FROM accounts_account u WHERE {_SHARES}) "
    f"AND EXISTS (SELECT 1 FROM resources_resource a WHERE {_CREATED})",
    many=True,
)
# Those of these Actors whose runs so many share that some of them are always among the next ones: it is as if they
# were one pair. To look at each owner's newest run would take longer than to pass by the runs that are not shared.
CROWDED_ACTORS: Final = (
    f"SELECT a.id AS id, NULL AS owner FROM resources_resource a WHERE {_CREATED} AND (SELECT COUNT(*) FROM (SELECT 1 "
    f"FROM {_OF_USERS} WHERE t.actor = a.id AND u.id = t.owner AND {_SHARES} LIMIT %(crowd)s) c) >= %(crowd)s"
)
OF_CROWDED_ACTOR: Final = (
    "resources_resource n CROSS JOIN accounts_account u "
    f"WHERE n.actor_id = p.id AND n.kind = 'run' AND u.id = n.owner_id AND {_SHARES}"
)
# No run belongs to a pair of each of the first two, for the Actor is the account's own in one and somebody else's in
# the other; a run of a task may belong to one of them as well.
PAIRS: Final = (_CREATED_ACTORS, _viewed("actor"), _viewed("task"))
