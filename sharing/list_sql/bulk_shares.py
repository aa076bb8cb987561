"""The rules that share runs in bulk, be it three or a million.

`%(me)s` is the account, `%(now)s` the moment at which grants count. The rules find pairs of an owner and a parent,
which is an Actor or a task: all runs that the owner has of it may be read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sharing.access import Reason
from sharing.list_sql.columns import COUNTS, RunColumns
from sharing.list_sql.text import Query, fill, sql
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class OwnerParentPairs:
    """One rule that shares all runs that an owner has of an Actor or task, its `parent`.

    `statement` gives the pairs as `id` (of the parent) and `owner`, which are the columns `id_column` and
    `owner_column` in it; `run_count` says how many runs they have, from the table that counts them, `t`. Both end with
    their WHERE. `holds` is the condition that a run with a certain {owner}, {actor} and {task} belongs to a pair;
    `possible`, which is cheap, that there may be pairs. `has_runs` is a condition in `statement`, that a pair has runs
    of which some {conditions} hold. Where an Actor may have thousands of owners, `from_run_counts`, the pairs are read
    from that table themselves.
    """

    reason: Reason
    parent: Literal["actor", "task"]
    statement: str
    id_column: str
    owner_column: str
    run_count: str
    holds: str
    possible: str
    has_runs: str = ""

    @property
    def from_run_counts(self) -> bool:
        """Whether `statement` reads the table that counts runs."""
        return not self.has_runs

    def holds_for(self, run: RunColumns) -> str:
        """Return the condition that a run, or the runs that are counted together, belong to one of the pairs."""
        return fill(self.holds, **run._asdict())

    def with_runs(self, conditions: Iterable[str]) -> list[str]:
        """Return the conditions in `statement` that a pair has runs of which these hold, in the table of counts."""
        if self.from_run_counts:
            return list(conditions)
        return [fill(self.has_runs, conditions="".join(f" AND {each}" for each in conditions))]


# Rule 7: of the account's own public Actors, the runs of users who share theirs with creators.
_RUNS_OF_CREATED_ACTORS: Final = OwnerParentPairs(
    Reason.CREATOR_RUNS,
    "actor",
    statement=sql("""
        SELECT DISTINCT t.actor AS id, t.owner AS owner
        FROM resources_runtally t
        CROSS JOIN accounts_account u
        WHERE t.actor IN (
            SELECT a.id
            FROM resources_resource a
            WHERE a.owner_id = %(me)s AND a.kind = 'actor' AND a.is_public
        )
          AND u.id = t.owner
          AND u.share_runs_with_actor_creators
          AND u.id <> %(me)s
    """),
    id_column="t.actor",
    owner_column="t.owner",
    run_count=sql("""
        SELECT COALESCE(SUM(t.runs), 0)
        FROM resources_runtally t
        CROSS JOIN accounts_account u
        WHERE t.actor IN (
            SELECT a.id
            FROM resources_resource a
            WHERE a.owner_id = %(me)s AND a.kind = 'actor' AND a.is_public
        )
          AND u.id = t.owner
          AND u.share_runs_with_actor_creators
          AND u.id <> %(me)s
    """),
    holds=sql("""
        EXISTS (
            SELECT 1
            FROM resources_resource a
            CROSS JOIN accounts_account u
            WHERE a.id = {actor}
              AND a.owner_id = %(me)s
              AND a.kind = 'actor'
              AND a.is_public
              AND u.id = {owner}
              AND u.share_runs_with_actor_creators
              AND u.id <> %(me)s
        )
    """),
    possible=sql("""
        EXISTS (SELECT 1 FROM accounts_account u WHERE u.share_runs_with_actor_creators AND u.id <> %(me)s)
        AND EXISTS (
            SELECT 1
            FROM resources_resource a
            WHERE a.owner_id = %(me)s AND a.kind = 'actor' AND a.is_public
        )
    """),
)


def _owner_runs(parent: Literal["actor", "task"]) -> OwnerParentPairs:
    """Rule 6: of an Actor or task on which the account has VIEW_OWNER_RUNS, the runs of its owner."""
    views_owner_runs = f"g.permissions & {Permission.VIEW_OWNER_RUNS.value} <> 0 AND {COUNTS}"
    return OwnerParentPairs(
        Reason.OWNER_RUNS,
        parent,
        statement=sql(f"""
            SELECT a.id AS id, a.owner_id AS owner
            FROM sharing_grant g
            CROSS JOIN resources_resource a
            WHERE g.account_id = %(me)s
              AND {views_owner_runs}
              AND g.resource_kind = '{parent}'
              AND a.id = g.resource_id
        """),
        id_column="a.id",
        owner_column="a.owner_id",
        run_count=sql(f"""
            SELECT COALESCE(SUM(t.runs), 0)
            FROM sharing_grant g
            CROSS JOIN resources_resource a
            CROSS JOIN resources_runtally t
            WHERE g.account_id = %(me)s
              AND {views_owner_runs}
              AND g.resource_kind = '{parent}'
              AND a.id = g.resource_id
              AND t.owner = a.owner_id
              AND t.{parent} = a.id
        """),
        # Not as EXISTS, for which PostgreSQL would walk the runs of all pairs first.
        has_runs=sql(f"""
            (
                SELECT SUM(t.runs)
                FROM resources_runtally t
                WHERE t.owner = a.owner_id AND t.{parent} = a.id{{conditions}}
            ) > 0
        """),
        holds=sql(f"""
            EXISTS (
                SELECT 1
                FROM sharing_grant g
                CROSS JOIN resources_resource a
                WHERE g.resource_id = {{{parent}}}
                  AND g.account_id = %(me)s
                  AND {views_owner_runs}
                  AND a.id = {{{parent}}}
                  AND a.kind = '{parent}'
                  AND a.owner_id = {{owner}}
            )
        """),
        possible=sql(f"""
            EXISTS (
                SELECT 1
                FROM sharing_grant g
                WHERE g.account_id = %(me)s AND {views_owner_runs} AND g.resource_kind = '{parent}'
            )
        """),
    )


# No run belongs to a pair of each of the first two, for the Actor is the account's own in one and another account's in
# the other; a run of a task may belong to one of them as well.
BULK_SHARES: Final = (_RUNS_OF_CREATED_ACTORS, _owner_runs("actor"), _owner_runs("task"))
# Whether there may be any of the BULK_SHARES, in their order.
POSSIBLE: Final = Query("SELECT " + ", ".join(each.possible for each in BULK_SHARES))

# The Actors of rule 7 whose runs so many share that some of them are always among the next ones: it is as if each were
# one pair, of which `owner` is unknown. To look at each owner's newest run would take longer than to pass by the runs
# that are not shared.
WIDELY_SHARED_ACTORS: Final = sql("""
    SELECT a.id AS id, NULL AS owner
    FROM resources_resource a
    WHERE a.owner_id = %(me)s
      AND a.kind = 'actor'
      AND a.is_public
      AND (
          SELECT COUNT(*)
          FROM (
              SELECT 1
              FROM resources_runtally t
              CROSS JOIN accounts_account u
              WHERE t.actor = a.id
                AND u.id = t.owner
                AND u.share_runs_with_actor_creators
                AND u.id <> %(me)s
              LIMIT %(many_owners)s
          ) c
      ) >= %(many_owners)s
""")
