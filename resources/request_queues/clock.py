"""The one place that locks and the order of a queue take the time from."""

import threading
from datetime import UTC, datetime, timedelta

from accounts.lib import database_clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_lock = threading.Lock()
_last_key = 0


def now() -> datetime:
    """Return the current moment."""
    return database_clock.now()


def order_keys(count: int, *, forefront: bool) -> list[int]:
    """Return the next `count` keys in the order of a queue: behind everything that is there, or before it.

    They are microseconds since 1970, negative at the forefront, so that a later one there stands before
    those who came earlier. No two that one process gives are the same.
    """
    global _last_key
    with _lock:
        first = max(_last_key + 1, (now() - _EPOCH) // _MICROSECOND)
        _last_key = first + count - 1
    return [-key if forefront else key for key in range(first, first + count)]
