"""How many accounts use an Actor."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from accounts.lib.sql import moment_parameter
from resources.kinds import Kind
from resources.models import Actor

ACTIVE_DAYS: Final = (7, 30, 90)


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


def count_active_users(actor: Actor, now: datetime) -> dict[int, int]:
    """Return for each number of ACTIVE_DAYS how many accounts have started the Actor in so many days before `now`.

    The newest run of each account that has any is found by an index.
    """
    since = [moment_parameter(now - timedelta(days=days)) for days in ACTIVE_DAYS]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_ACTIVE, [*since, actor.pk, Kind.RUN, actor.pk])
        counts = cursor.fetchone() or ()
    return dict(zip(ACTIVE_DAYS, counts, strict=True))


_COUNT_ACTIVE = """
    SELECT
        COUNT(CASE WHEN newest.at >= %s THEN 1 END),
        COUNT(CASE WHEN newest.at >= %s THEN 1 END),
        COUNT(CASE WHEN newest.at >= %s THEN 1 END)
    FROM (
        SELECT (
            SELECT MAX(r.created_at) FROM resources_resource r
            WHERE r.owner_id = used.owner AND r.actor_id = %s AND r.kind = %s
        ) AS at
        FROM (SELECT DISTINCT t.owner FROM resources_runtally t WHERE t.actor = %s) used
    ) newest
"""
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
