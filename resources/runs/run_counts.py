"""Puts together what PostgreSQL's triggers write about the number of runs."""

from django.db import connection, transaction

# Of several workers one does it; the others need not.
_TAKE_TURN = "SELECT pg_try_advisory_xact_lock(hashtext('resources_runtally'))"
_FOLD = """
WITH scattered AS (
    SELECT owner, actor, task, status FROM resources_runtally
    GROUP BY owner, actor, task, status HAVING COUNT(*) > 1
), taken AS (
    DELETE FROM resources_runtally t USING scattered s
    WHERE (t.owner, t.actor, t.task, t.status) = (s.owner, s.actor, s.task, s.status)
    RETURNING t.owner, t.actor, t.task, t.status, t.runs
)
INSERT INTO resources_runtally (owner, actor, task, status, runs)
SELECT owner, actor, task, status, SUM(runs) FROM taken
GROUP BY owner, actor, task, status HAVING SUM(runs) <> 0
"""


def fold() -> None:
    """Make one row of all that say something about the same runs; on SQLite there is never more than one."""
    if connection.vendor != "postgresql":
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE_TURN)
        if cursor.fetchone() == (True,):
            cursor.execute(_FOLD)
