"""Who this process is as a worker, what it is at, and whether it is to stop.

A job is not held by a process but by an attempt of it: the same process may have the same job again, and what of it
still attends the first attempt must see that the job is no longer its own.
"""

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Set once it has been asked to end: running jobs are released then.
stopping = threading.Event()

_name = ""
_attended: set[str] = set()


def name() -> str:
    """Return the name of this process among all workers, at most 64 characters. A forked process has its own."""
    global _name  # one per process
    if not _name.endswith(f"-{os.getpid()}"):
        _name = f"{socket.gethostname()[:40]}-{secrets.token_hex(4)}-{os.getpid()}"
    return _name


@contextmanager
def attempt() -> Iterator[str]:
    """Return the name of one attempt of this process at a job; it is attended as long as the block lasts."""
    named = f"{name()}/{secrets.token_hex(4)}"
    _attended.add(named)
    try:
        yield named
    finally:
        _attended.discard(named)


def attends(named: str) -> bool:
    """Tell whether an attempt is attended in this very process, however long ago that was said to the database."""
    return named in _attended
