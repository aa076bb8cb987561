"""How gunicorn's threads send answers: the headers together with what follows them.

Gunicorn sends the headers by themselves as soon as they are written, so that a small answer takes two system calls and
two packets, and wakes whoever waits for it twice. That costs about as much as the decision.
"""

import socket
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

_END_OF_HEADERS = b"\r\n\r\n"
# What comes before the answer: nothing follows until the client has gone on.
_INTERIM = b"HTTP/1.1 1"
# Beyond this, to copy a body costs more than to send it by itself.
_COPIED = 64 * 1024


class Joined:
    """A socket that holds the headers of an answer back until its first bytes are there, or until it is flushed."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._held = b""
        self._is_begun = False

    def sendall(self, data: bytes) -> None:
        """Send what is held and `data`, or hold `data`, if it is the headers.

        Raises:
            OSError: as a socket does.
        """
        if not self._is_begun and data.endswith(_END_OF_HEADERS) and not data.startswith(_INTERIM):
            self._held, self._is_begun = data, True
            return
        if self._held and len(data) <= _COPIED:
            self._held, data = b"", self._held + data
        self.flush()
        self._inner.sendall(data)

    def flush(self) -> None:
        """Send what is held: nothing follows it.

        Raises:
            OSError: as a socket does.
        """
        held, self._held = self._held, b""
        if held:
            self._inner.sendall(held)

    def __getattr__(self, name: str) -> Any:
        # Whatever else is done with a socket, such as to send a file, comes after the headers.
        self.flush()
        return getattr(self._inner, name)


class Worker(ThreadWorker):
    """Gunicorn's worker with threads, which sends the headers together with what follows them."""

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request of a connection; return whether to keep the connection, as gunicorn's own does."""
        inner = conn.sock
        conn.sock = joined = Joined(inner)
        try:
            keep = super().handle_request(req, conn)
            joined.flush()
            return keep
        finally:
            conn.sock = inner
