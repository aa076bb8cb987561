"""The rules of explicit access by which resources are found one by one: each a statement.

`%(me)s` is the account, `%(now)s` the moment at which grants count.

Each begins with what the account was granted or owns and walks indexes from there, so that the cost never depends on
how much there is in the system. Runs that are shared in bulk are found by `bulk_shares.py`.

Every statement gives `id`, `rank` (the place of the rule among the reasons, by which the first one is chosen) and `at`
(the time of creation), and ends with its WHERE, so that conditions can follow.

CROSS JOIN is the same as JOIN, but that SQLite joins in the order in which it stands there: where an Actor is named,
it would begin with all runs of the Actor.
"""

from dataclasses import dataclass
from typing import Final

from resources.kinds import Kind
from sharing.access import Reason
from sharing.list_sql.columns import ALL, COUNTS, OF_RESOURCE, OF_RUN, RUNS, STORAGE_KINDS, RunColumns
from sharing.list_sql.text import sql

RANKS: Final = {reason: rank for rank, reason in enumerate(Reason)}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as a statement: `r` is the resource that it finds.

    `kinds` are those that the rule can find. `created_at` and `kind` are the columns to sort and filter by, those of
    the grant where its index has them; so are `run` and `status`, where there is one. A rule `by_kind` is asked once
    for each kind, as its index is sorted; one with a `status` once for each status. `alone` is the statement for a
    list without conditions on `r`: the index of the grants has all that such a list reads.
    """

    reason: Reason
    kinds: frozenset[Kind]
    statement: str
    created_at: str = "r.created_at"
    kind: str = "r.kind"
    run: RunColumns = OF_RESOURCE
    status: str = ""
    by_kind: bool = False
    alone: str = ""


# Rule 1.
OWN: Final = Rule(
    Reason.OWNER,
    ALL,
    sql(f"""
        SELECT r.id AS id, {RANKS[Reason.OWNER]} AS rank, r.created_at AS at
        FROM resources_resource r
        WHERE r.owner_id = %(me)s
    """),
    by_kind=True,
)
# The same for runs of some statuses, from the index that has all of it.
OWN_BY_STATUS: Final = Rule(
    Reason.OWNER,
    RUNS,
    sql(f"""
        SELECT k.resource_ptr_id AS id, {RANKS[Reason.OWNER]} AS rank, k.list_at AS at
        FROM resources_run k
        WHERE k.list_owner = %(me)s
    """),
    created_at="k.list_at",
    run=OF_RUN,
    status="k.status",
)
# How many runs the account has: the database has counted them as they came (resources/models/run_count.py).
OWN_RUN_COUNT: Final = sql("""
    SELECT COALESCE(SUM(t.runs), 0)
    FROM resources_runtally t
    WHERE t.owner = %(me)s
""")

# Rules 2, 3 and 5. An owner is never granted anything on what is theirs (sharing/grants.py, sharing/issues/issues.py).
_GRANTED: Final = Rule(
    Reason.GRANT,
    ALL,
    sql(f"""
        SELECT g.resource_id AS id, {RANKS[Reason.GRANT]} AS rank, g.resource_created_at AS at
        FROM sharing_grant g
        CROSS JOIN resources_resource r
        WHERE r.id = g.resource_id
          AND g.account_id = %(me)s
          AND g.source = 'DIRECT'
          AND {COUNTS}
    """),
    created_at="g.resource_created_at",
    kind="g.resource_kind",
    alone=sql(f"""
        SELECT g.resource_id AS id, {RANKS[Reason.GRANT]} AS rank, g.resource_created_at AS at
        FROM sharing_grant g
        WHERE g.account_id = %(me)s
          AND g.source = 'DIRECT'
          AND {COUNTS}
    """),
)
_BUILDS_OF_GRANTED_ACTORS: Final = Rule(
    Reason.ACTOR_GRANT,
    frozenset({Kind.BUILD}),
    sql(f"""
        SELECT r.id AS id, {RANKS[Reason.ACTOR_GRANT]} AS rank, r.created_at AS at
        FROM sharing_grant g
        CROSS JOIN resources_resource r
        WHERE g.account_id = %(me)s
          AND g.resource_kind = 'actor'
          AND {COUNTS}
          AND r.actor_id = g.resource_id
          AND r.kind = 'build'
    """),
)
# DISTINCT, as a run may be attached to two issues.
_RUNS_ON_ISSUES: Final = Rule(
    Reason.ISSUE,
    RUNS,
    sql(f"""
        SELECT DISTINCT g.resource_id AS id, {RANKS[Reason.ISSUE]} AS rank, g.resource_created_at AS at
        FROM sharing_grant g
        CROSS JOIN resources_resource r
        WHERE r.id = g.resource_id
          AND g.account_id = %(me)s
          AND g.source = 'ISSUE'
          AND {COUNTS}
          AND g.resource_kind = 'run'
    """),
    created_at="g.resource_created_at",
    alone=sql(f"""
        SELECT DISTINCT g.resource_id AS id, {RANKS[Reason.ISSUE]} AS rank, g.resource_created_at AS at
        FROM sharing_grant g
        WHERE g.account_id = %(me)s
          AND g.source = 'ISSUE'
          AND {COUNTS}
          AND g.resource_kind = 'run'
    """),
)
# Rule 8 by rules 2 and 5. By rule 1 it need not be followed: a default storage has the owner of its run.
_STORAGES_OF_GRANTED_RUNS: Final = Rule(
    Reason.RUN,
    STORAGE_KINDS,
    sql(f"""
        SELECT DISTINCT r.id AS id, {RANKS[Reason.RUN]} AS rank, r.created_at AS at
        FROM sharing_grant g
        CROSS JOIN resources_resource r
        WHERE g.account_id = %(me)s
          AND g.resource_kind = 'run'
          AND {COUNTS}
          AND r.run_id = g.resource_id
    """),
)
SHARED: Final = (_GRANTED, _BUILDS_OF_GRANTED_ACTORS, _RUNS_ON_ISSUES, _STORAGES_OF_GRANTED_RUNS)
