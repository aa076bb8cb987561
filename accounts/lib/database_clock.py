"""The database's time, by which machines whose clocks differ agree who holds what and until when."""

import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

_SQL = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0",
}
# Between two questions the time that has passed is counted by this machine, whatever is done to its clock.
_ASK_EVERY_SECONDS = 60.0
_lock = threading.Lock()
_asked_at = 0.0
_answer: datetime | None = None


def now() -> datetime:
    """Return the database's time. It is asked for once a minute.

    Raises:
        DatabaseError: when the database does not answer.
    """
    global _asked_at, _answer  # of the process, on purpose
    with _lock:
        moment = _seconds_since_boot()
        if _answer is None or moment - _asked_at > _ASK_EVERY_SECONDS:
            _answer, _asked_at = _ask(), _seconds_since_boot()
            moment = _asked_at
        return _answer + timedelta(seconds=moment - _asked_at)


def seconds_ahead() -> float:
    """Return by how many seconds this machine's clock is ahead of the database's, negative where it is behind.

    Raises:
        DatabaseError: when the database does not answer.
    """
    before = time.time()
    theirs = _ask().timestamp()
    return (before + time.time()) / 2 - theirs


def _ask() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_SQL[connection.vendor])
        return datetime.fromtimestamp(cursor.fetchone()[0], UTC)


def _seconds_since_boot() -> float:
    """Return a time that goes on also while the machine sleeps, and that setting the clock does not move."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
