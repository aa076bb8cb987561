"""How many accounts use an Actor."""

from collections.abc import Iterable

from django.db import connection

from resources.models import Actor


def count_users(actors: Iterable[Actor]) -> dict[str, int]:
    """Return by the ID of each Actor how many accounts have runs of it, its owner always among them.

    It takes one statement for any number of Actors, which reads an index over the counts of runs
    (resources/models/run_count.py).
    """
    users = dict.fromkeys((actor.pk for actor in actors), 1)
    if users:
        marks = ", ".join(["%s"] * len(users))
        with connection.cursor() as cursor:
            cursor.execute(_COUNT.format(ids=marks), list(users))
            for actor_id, others in cursor.fetchall():
                users[actor_id] += others
    return users


_COUNT = """
    SELECT used.actor, COUNT(*)
    FROM (
        SELECT t.actor, t.owner
        FROM resources_runtally t
        WHERE t.actor IN ({ids})
        GROUP BY t.actor, t.owner
        HAVING SUM(t.runs) > 0
    ) used
    JOIN resources_resource r ON r.id = used.actor
    WHERE used.owner <> r.owner_id
    GROUP BY used.actor
"""
