"""Who this process is as a worker, and whether it is to stop."""

import os
import secrets
import socket
import threading

# Set once it has been asked to end: what is running is given back then.
stopping = threading.Event()

_name = ""


def name() -> str:
    """Return the name of this process among all workers, at most 64 characters. A forked process has its own."""
    global _name  # one per process
    if not _name.endswith(f"-{os.getpid()}"):
        _name = f"{socket.gethostname()[:40]}-{secrets.token_hex(4)}-{os.getpid()}"
    return _name
