"""The time of the database, which is the same for all hosts, and how far the clock of this machine is from it.

What one host writes down and another one compares with its own time (leases, heartbeats, locks, what is due) goes by
the database: a machine whose clock is ten minutes ahead would take what others hold.
"""

import threading
import time
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

_SQL = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}
# How long what was measured is believed, and what counts as no difference: the way there and back takes some of it.
_BELIEVED_SECONDS = 30.0
_SAME_SECONDS = 0.25
# The clock that goes on while the machine sleeps, where there is one.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class _Difference:
    """How far this machine is ahead, as it was measured last by this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measured_at = -_BELIEVED_SECONDS
        self._started_at = 0.0
        self._ahead = timedelta()

    def get(self) -> timedelta:
        """Return it, measured anew when that is long ago or the clock of this machine was set since."""
        is_first = not self._started_at
        if not self._is_believed() and self._lock.acquire(blocking=is_first):
            try:
                ahead = seconds_ahead()
                self._ahead = timedelta(seconds=ahead) if abs(ahead) > _SAME_SECONDS else timedelta()
                self._measured_at, self._started_at = time.clock_gettime(_STEADY), _start_of_steady_clock()
            except DatabaseError:
                pass  # what is asked of it next says so
            finally:
                self._lock.release()
        return self._ahead

    def _is_believed(self) -> bool:
        age = time.clock_gettime(_STEADY) - self._measured_at
        return age < _BELIEVED_SECONDS and abs(_start_of_steady_clock() - self._started_at) < _SAME_SECONDS


_difference = _Difference()


def now() -> datetime:
    """Return the current moment by the database's clock; while it does not answer, by what it said last."""
    return timezone.now() - _difference.get()


def seconds_ahead() -> float:
    """Return by how many seconds this machine's clock is ahead of the database's, negative where it is behind.

    Raises:
        DatabaseError: when the database does not answer.
    """
    connection.ensure_connection()
    before = time.time()
    with connection.wrap_database_errors:  # past what counts and retries statements: this is none of a request's own
        theirs: float = connection.connection.execute(_SQL[connection.vendor]).fetchone()[0]
    return (before + time.time()) / 2 - theirs


def _start_of_steady_clock() -> float:
    return time.time() - time.clock_gettime(_STEADY)
