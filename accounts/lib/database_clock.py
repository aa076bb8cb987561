"""How far the clock of this machine is from the database's."""

import time

from django.db import connection

_SQL = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}


def seconds_ahead() -> float:
    """Return by how many seconds this machine's clock is ahead of the database's, negative where it is behind.

    Raises:
        DatabaseError: when the database does not answer.
    """
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute(_SQL[connection.vendor])
        theirs: float = cursor.fetchone()[0]
    return (before + time.time()) / 2 - theirs
