"""How gunicorn's threads send answers: the headers together with what follows them.

Gunicorn sends the headers by themselves as soon as they are written, so that a small answer takes two system calls and
two packets, and wakes its client twice. That costs about as much as the decision.

An answer that takes long is judged again while it is sent, also where its client does not read. What waits holds no
thread meanwhile.
"""

import socket
import struct
import time
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import ThreadWorker

from console.http.parking import Wait
from console.server.exchange import Exchange, Outcome
from console.server.lot import Lot
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

    A request that waits, or whose client does not read, leaves its thread and is parked (console/server/lot.py).

    An answer says `Connection: close` where the connection cannot be kept, because the rest of its request is not
    there. Gunicorn finds that out only when the answer has been sent and has said that the connection is kept.
    """

    def init_process(self) -> None:
        """Make the lot, and serve."""
        self._lot = Lot(self._resume, max(1, self.cfg.threads // 4), self.log)
        self._has_stopped_lot = False
        super().init_process()

    def run(self) -> None:
        """Serve until the process is told to end."""
        super().run()
        self._lot.finish()

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Do as gunicorn does; and have those answered that wait, once the worker is about to end."""
        if not self.alive and not self._has_stopped_lot:
            self._has_stopped_lot = True
            self._lot.stop()
        super().wait_for_and_dispatch_events(timeout)

    def keeps_connections(self) -> bool:
        """Whether a connection may be kept after an answer."""
        return bool(self.alive and self.cfg.keepalive and len(self.keepalived_conns) < self.max_keepalived)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request of a connection; return whether to keep the connection, or that it is parked."""
        exchange: Exchange | None = getattr(conn, "parked", None)
        if exchange is None:
            rest = UnreadBody(req, conn.parser)
            req.should_close = rest.should_close
            exchange = Exchange(self, req, conn)
        else:
            conn.parked, conn.parser = None, conn.parser.parser
        inner = after = conn.sock
        conn.sock = exchange.socket
        outcome = None
        try:
            outcome = exchange.go_on()
        except AccessGone:
            if req.version < (1, 1):  # the end of the connection is that of the answer
                after = ResetSocket(inner)
            raise
        except ConnectionResetError:
            after = ResetSocket(inner)
            raise
        finally:
            conn.sock = after
        if outcome is Outcome.PARK:
            conn.parked = exchange
        return outcome if outcome is Outcome.PARK else outcome.value

    def _keepalive_after(self, conn: Any, keepalive: Any) -> Any:
        if keepalive is Outcome.PARK:
            return keepalive
        return super()._keepalive_after(conn, keepalive)  # type: ignore[misc]  # the stubs leave it out

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Do what becomes of a connection when a thread is done with it."""
        failed = fs.cancelled() or fs.exception() is not None
        outcome = False if failed else fs.result()
        if outcome is Outcome.PARK:
            self._lot.park(conn.parked)
        elif outcome is False and not self.cfg.is_ssl:
            self.nr_conns -= 1
            self._lot.close(conn.sock)
        else:
            super().finish_request(conn, fs)

    def _resume(self, exchange: Exchange) -> None:
        """Go on with an exchange in a thread; called by the lot."""
        conn = exchange.connection
        has_waited = isinstance(exchange.stay, Wait)
        conn.parser = _SameRequest(conn.parser, exchange.request)
        try:
            future = self.tpool.submit(self.handle, conn)
        except RuntimeError:  # the pool has been shut down: the process ends
            return
        if has_waited:
            future.add_done_callback(lambda _: self._lot.has_resumed())
        future.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))


class _SameRequest:
    """A parser that gives the request that it has given already: a thread goes on with it."""

    def __init__(self, parser: Any, request: Any) -> None:
        self.parser = parser
        self._request = request

    def __next__(self) -> Any:
        return self._request


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
