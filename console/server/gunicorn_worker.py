"""How gunicorn's threads send answers: the headers together with what follows them.

Gunicorn sends the headers by themselves as soon as they are written, so that a small answer takes two system calls and
two packets, and wakes whoever waits for it twice. That costs about as much as the decision.

An answer that takes long is judged again while it is sent, also where its client does not read.
"""

import socket
import struct
import time
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import ThreadWorker

from console.http.joined_socket import HeaderBufferingSocket
from sharing.enforcement.access_gone import AccessGone

# The body of a request that no view has read is read so far and so long, to keep the connection.
_UNREAD_BYTES = 64 * 1024
_UNREAD_SECONDS = 1.0


class ResetSocket:
    """A socket whose client must not take its end for the end of an answer: it is closed by a reset."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner

    def shutdown(self, how: int) -> None:
        """Refuse to say that the answer ends here.

        Raises:
            OSError: always.
        """
        raise OSError(how, "The connection is reset.")

    def close(self) -> None:
        """Close the connection by a reset."""
        self._inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Worker(ThreadWorker):
    """Gunicorn's worker with threads, which sends the headers together with what follows them.

    An answer says `Connection: close` where the connection cannot be kept, because the rest of its request is not
    there. Gunicorn finds that out only when the answer has been sent and has said that the connection is kept.
    """

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request of a connection; return whether to keep the connection, as gunicorn's own does."""
        inner = after = conn.sock
        conn.sock = joined = HeaderBufferingSocket(inner)
        rest = UnreadBody(req, conn.parser)
        req.should_close = rest.should_close
        try:
            keep = super().handle_request(req, conn)
            joined.flush()
            return keep
        except AccessGone:
            if req.version < (1, 1):  # the end of the connection is that of the answer
                after = ResetSocket(inner)
            raise
        finally:
            conn.sock = after


class UnreadBody:
    """What no view has read of a request; it is read when the answer begins, for the next request comes after it."""

    def __init__(self, request: Any, parser: Any) -> None:
        self._must_close = request.should_close
        self._body = request.body
        self._parser = parser
        self._is_missing: bool | None = None

    def should_close(self) -> bool:
        """Tell whether the connection has to be closed after the answer, always the same from the first time on."""
        if self._must_close():
            return True
        if self._is_missing is None:
            self._is_missing = not self._read()
        return self._is_missing

    def _read(self) -> bool:
        reader = self._body.reader
        if isinstance(reader, LengthReader) and reader.length == 0 and not self._body.failed:
            return True  # nothing is left, as in most requests
        try:
            return bool(self._parser.finish_body(time.monotonic() + _UNREAD_SECONDS, _UNREAD_BYTES))
        except Exception:  # no request can follow a rest that cannot be read
            return False
