"""Counts that are kept in memory for a moment and saved together.

"Last used" and "read 22 times" are worth a row, but not a write in every request that only reads. A counter
gathers them per process and saves them a second or two later from a thread of its own, outside any request. A
killed process loses that second: these are statistics, never anything that was acknowledged.
"""

import atexit
import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import datetime

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

Save = Callable[[dict[str, int], datetime], None]

DELAY_SECONDS = 2.0
_is_counted: ContextVar[bool] = ContextVar("is_counted", default=True)


@contextlib.contextmanager
def not_counted() -> Iterator[None]:
    """Count nothing within: a request that is judged again is still one use."""
    before = _is_counted.set(False)
    try:
        yield
    finally:
        _is_counted.reset(before)


class BufferedCounter:
    """Counts per id, handed to `save(counts, at)` at most once every two seconds."""

    def __init__(self, save: Save) -> None:
        self._save = save
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        atexit.register(self.flush)

    def add(self, id_: str, count: int = 1) -> None:
        """Count one use of `id_`, or several, and see to it that they are saved soon."""
        if not _is_counted.get():
            return
        with self._lock:
            self._counts[id_] += count
            if self._timer is None and settings.COUNTERS_FLUSH_THEMSELVES:
                self._start_timer()

    def _start_timer(self) -> None:
        timer = threading.Timer(DELAY_SECONDS, self._flush_in_thread)
        timer.daemon = True
        with contextlib.suppress(RuntimeError):  # no thread to be had now; the next use tries again
            timer.start()
            self._timer = timer

    def flush(self) -> None:
        """Save what has been counted so far; a database that is not there loses it."""
        with self._lock:
            counts, self._counts, self._timer = dict(self._counts), Counter(), None
        if counts:
            with contextlib.suppress(Error):
                self._save(counts, timezone.now())

    def _flush_in_thread(self) -> None:
        try:
            self.flush()
        finally:
            connection.close()
