"""Puts together what PostgreSQL's triggers write about the number of runs."""

from django.db import connection

# One statement, which two workers may give at once: the second waits, and finds gone what the first has taken.
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
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_FOLD)
