"""Gunicorn's worker: its threads answer requests, and neither a slow client nor one that waits holds one of them.

The main loop reads a request until it is whole (request_reader.py), a thread answers it (exchange.py), and the lot has
the connection while there is nothing for a thread to do (lot.py).
"""

import errno
import json
import selectors
import socket
import struct
import time
from contextlib import suppress
from http import HTTPStatus
from math import inf
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.message import _ip_in_allow_list  # type: ignore[attr-defined]  # the stubs leave it out
from gunicorn.workers.gthread import ThreadWorker

from accounts.lib.sql import thread_connection
from console.http.parking import Wait
from console.server.body_places import BodyPlaces, Memory
from console.server.connection import Addresses, Connection, client_network
from console.server.exchange import Exchange, Outcome
from console.server.limits import CONNECTIONS_OF_ONE, ENDING
from console.server.lot import Lot
from console.server.request_reader import Progress
from sharing.enforcement.access_gone import AccessGone

# The body of a request that no view has read is read so far and so long, to keep the connection.
_UNREAD_BYTES = 64 * 1024
_UNREAD_SECONDS = 1.0
# How much is read of a request at once, and for how long a large body waits for a thread.
_READ_BYTES = 64 * 1024
_PLACE_SECONDS = 30.0
# How much of bodies is kept until they are whole, in all and of one client, besides so much of each.
_KEPT_BYTES, _KEPT_BYTES_OF_ONE, _KEPT_OF_EACH = 64 * 1024 * 1024, 16 * 1024 * 1024, 64 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# The type and the message of an error that is answered without a thread.
_ERRORS = {
    HTTPStatus.BAD_REQUEST: ("invalid-request", "It is not clear where the body of the request ends."),
    HTTPStatus.REQUEST_TIMEOUT: ("operation-timed-out", "The request came too slowly."),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: ("invalid-header", "The headers are too large."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("service-unavailable", "The server is busy or ends. Try again in a moment."),
}
# How long a process that ends waits for the rest of the headers, as gunicorn does for the next request.
_STOP_SECONDS = 2.0


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
    """Gunicorn's worker with threads.

    A request that waits, or whose client does not read, leaves its thread and is parked (console/server/lot.py).

    An answer says `Connection: close` where the connection cannot be kept, because the rest of its request is not
    there. Gunicorn finds that out only when the answer has been sent and has said that the connection is kept.
    """

    def init_process(self) -> None:
        """Make the lot, and serve."""
        self._lot = Lot(self._resume, max(1, self.cfg.threads // 4), self.log)
        self._stopped_at: float | None = None
        # Requests that come, in the order in which they began, and large bodies that wait for their place.
        self._coming: dict[Connection, None] = {}
        self._large: BodyPlaces[Connection] = BodyPlaces(max(1, self.cfg.threads // 2))
        self._kept = Memory(_KEPT_BYTES, _KEPT_BYTES_OF_ONE)
        self._look_at = 0.0
        self._addresses = Addresses(CONNECTIONS_OF_ONE, self._is_trusted)
        # TLS and HTTP/2 read by themselves, and the PROXY protocol is no HTTP.
        plain = (self.cfg.http2_cleartext, self.cfg.proxy_protocol) == ("off", "off")
        self.reads_ahead = plain and not self.cfg.is_ssl
        super().init_process()

    def run(self) -> None:
        """Serve until the process is told to end."""
        super().run()
        self._lot.finish()

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Do as gunicorn does; and have those answered that wait, once the worker is about to end."""
        if not self.alive and self._stopped_at is None:
            self._stopped_at = time.monotonic()
            ENDING.begin(self._stopped_at)
            self._lot.stop()
        super().wait_for_and_dispatch_events(timeout)

    def keeps_connections(self) -> bool:
        """Whether a connection may be kept after an answer."""
        return bool(self.alive and self.cfg.keepalive and len(self.keepalived_conns) < self.max_keepalived)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer one request of a connection; return whether to keep the connection, or that it is parked."""
        exchange: Exchange | None = conn.parked
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
            # The answer ends in another thread, and so this one has to give back its connection to the database.
            thread_connection().close_if_unusable_or_obsolete()
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
        if conn.holds_place:
            conn.holds_place = False
            self._large.leave(conn.counted_by)
            conn.counted_by = ""  # the next request may be another client's
            self._submit_large()
        if outcome is Outcome.PARK:
            self._lot.park(conn.parked)
        elif outcome is False and not self.cfg.is_ssl:
            self._end(conn)
        elif outcome is True and self.reads_ahead and (data := conn.parser.unreader.take_buffered()):
            conn.reader.add(data)  # the next request, or some of it
            self._submit_if_whole(conn)
        else:
            super().finish_request(conn, fs)

    # Requests are read before a thread gets them, so that a client that sends slowly holds none.

    def accept(self, listener: Any) -> None:
        """Accept a connection, unless its client has too many."""
        try:
            client_socket, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        count_no_longer = self._addresses.enter(address[0] if isinstance(address, tuple) else "")
        if count_no_longer is None:
            client_socket.close()
            return
        self.nr_conns += 1
        conn = Connection(self.cfg, client_socket, address, listener.getsockname(), count_no_longer)
        if not self.reads_ahead:
            self.enqueue_req(conn)
            return
        conn.init()
        conn.deadline = time.monotonic() + self.cfg.keepalive  # until the first byte
        self._read(conn)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Begin the next request on a connection that was kept."""
        if not self.reads_ahead:
            super().on_client_socket_readable(conn, client)
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._read(conn)

    def murder_pending(self) -> None:
        """End connections whose requests have not come in time; gunicorn calls this all the time."""
        super().murder_pending()
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + 1.0
        soonest = inf if self._stopped_at is None else self._stopped_at + _STOP_SECONDS
        late = [
            each for each in self._coming if now >= min(each.deadline, ENDING.at if each.reader.has_head() else soonest)
        ]
        for conn in late:
            self._stop_reading(conn)
            if conn.reader.begun_at is not None:
                is_late = now >= conn.deadline
                _answer(conn, HTTPStatus.REQUEST_TIMEOUT if is_late else HTTPStatus.SERVICE_UNAVAILABLE)
            self._end(conn)
        for conn in [each for each in self._large if now >= min(each.deadline, ENDING.at)]:
            self._large.remove(conn.counted_by, conn)
            _answer(conn, HTTPStatus.SERVICE_UNAVAILABLE)
            self._end(conn)

    def _read(self, conn: Connection) -> None:
        """Read what has come of a request."""
        try:
            data = conn.sock.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            self._wait_for_more(conn)
            return
        except OSError:
            data = b""
        if not data:
            self._stop_reading(conn)
            self._end(conn)
            return
        conn.reader.add(data)
        self._submit_if_whole(conn)

    def _submit_if_whole(self, conn: Connection) -> None:
        progress = conn.reader.progress(self.cfg.limit_request_line)
        if progress is Progress.MORE:
            if self._keep(conn):
                self._wait_for_more(conn)
                return
            progress = Progress.LARGE
        self._stop_reading(conn)
        if progress is Progress.READY:
            self._begin(conn)
        elif progress is Progress.LARGE:
            conn.deadline = time.monotonic() + _PLACE_SECONDS
            conn.counted_by = conn.counted_by or self._find_client(conn)
            self._large.add(conn.counted_by, conn)
            self._submit_large()
        else:
            is_malformed = progress is Progress.MALFORMED
            _answer(conn, HTTPStatus.BAD_REQUEST if is_malformed else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            self._end(conn)

    def _keep(self, conn: Connection) -> bool:
        """Keep what has come of a body, and have the rest sent; return False where too much is kept already."""
        more = conn.reader.ahead_bytes() - _KEPT_OF_EACH - conn.kept_bytes
        if more > 0:
            conn.counted_by = conn.counted_by or self._find_client(conn)
            if not self._kept.take(conn.counted_by, more):
                return False
            conn.kept_bytes += more
        if conn.reader.awaits_continue and not conn.has_continued:
            conn.has_continued = True
            with suppress(OSError):
                conn.sock.send(_CONTINUE, socket.MSG_DONTWAIT)
        return True

    def _submit_large(self) -> None:
        """Have larger bodies read by some of the threads, so that others are left."""
        while (conn := self._large.take()) is not None:
            conn.holds_place = True
            self._begin(conn)

    def _begin(self, conn: Connection) -> None:
        self._give_back(conn)
        conn.begin(self._large.is_wanted if conn.holds_place else bool)
        self.enqueue_req(conn)

    def _give_back(self, conn: Connection) -> None:
        if conn.kept_bytes:
            self._kept.give_back(conn.counted_by, conn.kept_bytes)
            conn.kept_bytes = 0
        if not conn.holds_place:
            conn.counted_by = ""

    def _find_client(self, conn: Connection) -> str:
        """Return what a client is counted by, behind a proxy that is trusted too: it sends requests of many clients."""
        address = conn.client[0] if isinstance(conn.client, tuple) else ""
        return client_network((self._is_trusted(address) and conn.reader.forwarded_for()) or address)

    def _wait_for_more(self, conn: Connection) -> None:
        if conn.reader.begun_at is not None:
            conn.deadline = conn.reader.begun_at + conn.reader.seconds_given()
        if conn not in self._coming:
            self._coming[conn] = None
            self.poller.register(conn.sock, selectors.EVENT_READ, lambda _: self._read(conn))

    def _stop_reading(self, conn: Connection) -> None:
        if conn in self._coming:
            del self._coming[conn]
            self.poller.unregister(conn.sock)

    def _end(self, conn: Connection) -> None:
        self.nr_conns -= 1
        self._give_back(conn)
        conn.forget()
        self._lot.close(conn.sock)

    def _is_trusted(self, address: str) -> bool:
        return not address or bool(
            _ip_in_allow_list(address, self.cfg.forwarded_allow_ips, self.cfg.forwarded_allow_networks())
        )

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


def _answer(conn: Connection, status: HTTPStatus) -> None:
    """Say why a connection is closed that no thread has got to, as the API does or in plain text."""
    type_, message = _ERRORS[status]
    is_for_api = conn.reader.is_for_api()
    body = json.dumps({"error": {"type": type_, "message": message}}) if is_for_api else f"{message}\n"
    content_type = "application/json" if is_for_api else "text/plain"
    lines = [f"HTTP/1.1 {status} {status.phrase}", "Connection: close", f"Content-Type: {content_type}; charset=utf-8"]
    lines.append(f"Content-Length: {len(body)}")
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append(f"Retry-After: {_PLACE_SECONDS:.0f}")
    with suppress(OSError):
        conn.sock.send("\r\n".join([*lines, "", body]).encode(), socket.MSG_DONTWAIT)


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
