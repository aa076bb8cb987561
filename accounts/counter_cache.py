"""The cache of rate limits, in the database. It never drops a count that still matters."""

from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import connections

from accounts.models import CacheEntry


class CounterCache(DatabaseCache):
    """Django's cache in the database, which grows over its size rather than forget a count before its time.

    Django's own deletes a third of the entries where there are too many, by their keys. A client that makes it count
    very many names could so have the wrong passwords of an account forgotten.
    """

    def _cull(self, db: str, cursor: Any, now: Any, num: int) -> None:
        """Delete what has expired, and nothing else."""
        connection = connections[db]
        cursor.execute(
            f"DELETE FROM {connection.ops.quote_name(CacheEntry._meta.db_table)} WHERE expires < %s",  # noqa: S608  # our own table
            [connection.ops.adapt_datetimefield_value(now)],
        )
