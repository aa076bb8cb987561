"""Where the columns stand that more than one rule is narrowed by, and which grants count."""

from typing import Final, NamedTuple

from resources.kinds import STORAGES, Kind
from sharing.grant_ends import counts_sql

ALL: Final = frozenset(Kind)
RUNS: Final = frozenset({Kind.RUN})
STORAGE_KINDS: Final = frozenset(STORAGES)
# Kinds whose resources are only ever called by their ID.
NAMELESS: Final = frozenset({Kind.RUN, Kind.BUILD})


class RunColumns(NamedTuple):
    """Where a run's owner, Actor and task stand."""

    owner: str
    actor: str
    task: str


# In the table of resources, as `r` and as `n`; in the columns that lists of runs are read from
# (resources/models/run.py); in the table that counts runs (resources/models/run_count.py).
OF_RESOURCE: Final = RunColumns("r.owner_id", "r.actor_id", "r.task_id")
OF_N: Final = RunColumns("n.owner_id", "n.actor_id", "n.task_id")
OF_RUN: Final = RunColumns("k.list_owner", "k.list_actor", "k.list_task")
OF_RUN_COUNT: Final = RunColumns("t.owner", "t.actor", "t.task")

# That the grant `g` counts at the moment for which a list is read.
COUNTS: Final = counts_sql("%(now)s")
