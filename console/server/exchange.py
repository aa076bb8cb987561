"""One request and its answer, as gunicorn's threads handle it, except that it can be parked in between.

Gunicorn holds a thread from a request's first byte to its answer's last one. Here a thread leaves a request that waits,
or whose client does not read, to the lot (console/server/lot.py), and any thread goes on with it later.
"""

import errno
import time
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from gunicorn import util
from gunicorn.http import wsgi

from accounts.lib.sql import give_back_connection
from console.http.joined_socket import HeaderBufferingSocket
from console.http.parking import CAN_PARK, PARKED, Parked, Stay
from console.server.limits import ENDING

clock = time.monotonic

# For how many seconds a thread waits at once for a client to read.
PATIENCE_SECONDS = 0.05


class Outcome(Enum):
    """What becomes of a connection when a thread is done with it."""

    KEEP = True
    CLOSE = False
    PARK = "park"


class _AwaitedBody:
    """A body that the client is still sending: while it is waited for, others have the connection to the database."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes."""
        give_back_connection()
        data: bytes = self._body.read(size)
        return data

    def readline(self, size: int | None = None) -> bytes:
        """Return the next line."""
        give_back_connection()
        line: bytes = self._body.readline(size)
        return line

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


class Exchange:
    """One request on a connection, from its beginning until its answer has been sent."""

    def __init__(self, worker: Any, request: Any, connection: Any) -> None:
        self.connection = connection
        self.inner = connection.sock
        self.socket = HeaderBufferingSocket(connection.sock)
        self.request = request
        self._as_socket: Any = self.socket  # what gunicorn takes for one
        self.stay: Stay | None = None
        self.failure: Exception | None = None
        # What the lot keeps in mind: since when and from where on the client is behind, and whether it has sent more.
        self.behind_since: float | None = None
        self.behind_bytes = 0
        self.has_more = False
        self._worker = worker
        self._environ: MutableMapping[str, Any] = {}
        self._response: Any = None
        self._body: Any = None
        self._pieces: Iterator[bytes] | None = None
        self._is_ended = False

    def go_on(self) -> Outcome:
        """Answer the request, as far as that goes without waiting.

        Raises:
            Exception: as gunicorn's own `handle_request` does, for gunicorn's `handle`.
        """
        outcome = Outcome.CLOSE
        try:
            outcome = self._answer()
        except OSError:
            raise
        except (Exception, SystemExit):
            if self._response is None or not self._response.headers_sent:
                raise
            # Another answer would only corrupt this one.
            self._worker.log.exception("Error handling request")
            util.close_graceful(self._as_socket)
            raise StopIteration from None
        finally:
            if outcome is not Outcome.PARK:
                self._call_post_request()
        return outcome

    def send_news(self) -> None:
        """Send what has been added to what is followed, as far as the client takes it.

        Raises:
            OSError: as a socket does.
        """
        stay = self.stay
        while stay is not None and stay.has_news and not stay.is_over and not self.socket.is_behind:
            if data := stay.take():
                self._response.write(data)

    def _answer(self) -> Outcome:
        if self._response is None:
            self._begin()
        if self._body is None:
            try:
                self._body = self._worker.wsgi(self._environ, self._response.start_response)
            except Parked as parked:
                self.stay = self._environ[PARKED] = parked.stay
                return Outcome.PARK
            self._environ.pop(PARKED, None)
            self.stay = None
        is_parked = False
        try:
            is_parked = not self._send()
        finally:
            if not is_parked:
                self._end()
        if is_parked:
            return Outcome.PARK
        return Outcome.CLOSE if self._response.should_close() else Outcome.KEEP

    def _begin(self) -> None:
        worker, connection = self._worker, self.connection
        self._begun_at = datetime.now(UTC)
        worker.cfg.pre_request(worker, self.request)
        if connection.has_continued:  # it has been told to send its body already
            self.request._expected_100_continue = False
            connection.has_continued = False
        self._response, self._environ = wsgi.create(
            self.request, self._as_socket, connection.client, connection.server, worker.cfg
        )
        self._environ["wsgi.multithread"] = True
        if connection.holds_place or not worker.reads_ahead:
            self._environ["wsgi.input"] = _AwaitedBody(self._environ["wsgi.input"])
        self._environ[CAN_PARK] = self.socket.never_waits
        worker.nr += 1
        if worker.nr >= worker.max_requests:
            if worker.alive:
                worker.log.info("Autorestarting worker after current request.")
                worker.alive = False
            self._response.force_close()

    def _send(self) -> bool:
        """Send the answer; return whether all of it is sent."""
        if self.failure is not None:
            raise self.failure
        if not self._worker.keeps_connections():
            self._response.force_close()
        if self._pieces is None:
            if isinstance(self._body, self._environ["wsgi.file_wrapper"]):
                self._response.write_file(self._body)
                self._pieces = iter(())
            else:
                self._pieces = iter(self._body)
        if not self._is_ended:
            if self.socket.is_behind and not self.socket.drain(PATIENCE_SECONDS):
                return False
            if not self._send_pieces(self._pieces):
                return False
            self.stay = getattr(self._body, "stay", None)
            if self.stay is not None and not self.stay.is_over and self._environ[CAN_PARK]:
                self._response.send_headers()  # a log that is still empty has begun, too
                self.socket.flush()
                return False
            self._response.close()
            self.socket.flush()
            self._is_ended = True
        return self.socket.drain(PATIENCE_SECONDS)

    def _send_pieces(self, pieces: Iterator[bytes]) -> bool:
        """Send what there is of the answer; return False where its client does not take it at once."""
        for number, piece in enumerate(pieces):
            if number and clock() >= ENDING.at:  # by a reset, so that no client takes what has come for all of it
                raise ConnectionResetError(errno.ECONNRESET, "The server ends.")
            self._response.write(piece)
            if self.socket.is_behind and not self.socket.drain(PATIENCE_SECONDS):
                return False
        return True

    def _end(self) -> None:
        self.stay = None
        self._worker.log.access(self._response, self.request, self._environ, datetime.now(UTC) - self._begun_at)
        if hasattr(self._body, "close"):
            self._body.close()

    def _call_post_request(self) -> None:
        try:
            self._worker.cfg.post_request(self._worker, self.request, self._environ, self._response)
        except Exception:
            self._worker.log.exception("Exception in post_request hook")
