"""Where connections are kept that need no thread: clients that wait, that follow, that read slowly, that close.

One thread looks after all of them. It asks the database some times a second, with one statement for all, and whether
each request is still allowed when that is due. It makes no answers: where an answer goes on or ends, a thread of the
pool does it.
"""

import contextlib
import errno
import fcntl
import os
import selectors
import socket
import struct
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from console.http.parking import Wait, Watch
from console.server.exchange import Exchange
from console.server.limits import ENDING, LOWEST_RATE
from sharing.enforcement.access_gone import AccessGone

# How often all that wait are looked after; and when next, if that failed.
LOOK_SECONDS, LOOK_AGAIN_SECONDS = 0.25, 2.0
# A client that has read less than the lowest rate, over this many seconds, is not sent any more.
RATE_SECONDS = 60.0
# How long and how far the end of a connection is waited for, so that the client sees all of the last answer.
_LINGER_SECONDS, _LINGER_BYTES, _DROPPED_AT_ONCE = 2.0, 4 * 1024 * 1024, 65536

clock = time.monotonic


class Lot:
    """The connections of one process that need no thread."""

    def __init__(self, resume: Callable[[Exchange], None], at_once: int, log: Any) -> None:
        """Prepare the lot; its thread begins with the first connection.

        Args:
            resume: called to go on with an exchange in a thread.
            at_once: how many that have waited may be answered at a time, so that threads are left for others.
            log: where errors are reported.
        """
        self._resume = resume
        self._free = at_once
        self._log = log
        self._selector = selectors.DefaultSelector()
        self._read_end, self._write_end = os.pipe()
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)
        self._selector.register(self._read_end, selectors.EVENT_READ)
        self._commands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._parked: set[Exchange] = set()
        self._due: deque[Exchange] = deque()
        self._closing: dict[socket.socket, list[float]] = {}
        self._look_at = 0.0
        self._is_stopping = False
        self._thread: threading.Thread | None = None

    # What other threads call.

    def park(self, exchange: Exchange) -> None:
        """Look after an exchange until a thread is to go on with it."""
        self._command(lambda: self._park(exchange))

    def has_resumed(self) -> None:
        """Take notice that one that had waited has been answered."""
        self._command(self._answered)

    def close(self, connection: socket.socket) -> None:
        """Close a connection so that the client sees all that was sent, without waiting for it here."""
        self._command(lambda: self._close(connection))

    def stop(self) -> None:
        """Have all that wait answered as things are, and end what is followed."""
        self._command(self._stop)

    def finish(self) -> None:
        """Wait until connections are closed, but not for long; the process ends."""
        closed = threading.Event()
        self._command(lambda: self._closed_event(closed))
        closed.wait(_LINGER_SECONDS)

    def _command(self, command: Callable[[], None]) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lot", daemon=True)
            self._thread.start()
        self._commands.put(command)
        with contextlib.suppress(OSError):  # the pipe is full: it is about to be read
            os.write(self._write_end, b"\0")

    # What the thread does.

    def _run(self) -> None:
        while True:
            try:
                self._run_once()
            except Exception:
                self._log.exception("Error while looking after waiting clients")
                time.sleep(LOOK_SECONDS)

    def _run_once(self) -> None:
        is_idle = not self._parked and not self._closing
        for key, events in self._selector.select(None if is_idle else max(0.0, self._look_at - clock())):
            if key.data is None:
                self._run_commands()
            elif isinstance(key.data, Exchange):
                self._on_event(key.data, events)
            else:
                self._drop(key.data)
        if clock() >= self._look_at:
            self._look_at = clock() + LOOK_SECONDS
            self._look_after_all()
            self._end_closing()

    def _run_commands(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._read_end, 65536)
        with contextlib.suppress(Empty):
            while True:
                self._commands.get_nowait()()

    def _park(self, exchange: Exchange) -> None:
        self._parked.add(exchange)
        if self._is_stopping and exchange.stay is not None:
            exchange.stay.is_over = True
        self._settle(exchange)

    def _settle(self, exchange: Exchange) -> None:
        """Go on with an exchange if there is a reason, else wait for what can happen to it."""
        stay, is_behind = exchange.stay, exchange.socket.is_behind
        is_over = stay is None or stay.is_over or clock() >= stay.deadline
        if exchange.failure is not None or (is_over and not is_behind):
            self._go_on(exchange)
            return
        if not is_behind:
            exchange.behind_since = None
        elif exchange.behind_since is None:
            exchange.behind_since, exchange.behind_bytes = clock(), _arrived(exchange)
        reads = not is_over and not exchange.has_more
        self._listen(exchange, (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if is_behind else 0))

    def _listen(self, exchange: Exchange, events: int) -> None:
        key = self._selector.get_map().get(exchange.inner)
        if key is None:
            if events:
                self._selector.register(exchange.inner, events, exchange)
        elif not events:
            self._selector.unregister(exchange.inner)
        elif key.events != events:
            self._selector.modify(exchange.inner, events, exchange)

    def _on_event(self, exchange: Exchange, events: int) -> None:
        if exchange not in self._parked:
            return
        if events & selectors.EVENT_WRITE:
            with _failing(exchange):
                if exchange.socket.drain():
                    exchange.send_news()
        if events & selectors.EVENT_READ and exchange.stay is not None:
            try:
                exchange.stay.is_over |= exchange.inner.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
                exchange.has_more = True  # the next request, which waits for its turn
            except BlockingIOError:
                pass
            except OSError:
                exchange.stay.is_over = True
        self._settle(exchange)

    def _look_after_all(self) -> None:
        staying: dict[Watch, list[Exchange]] = {}
        for exchange in list(self._parked):
            if exchange.stay is not None:
                staying.setdefault(exchange.stay.watch, []).append(exchange)
            if exchange.behind_since is not None:
                self._check_rate(exchange)
        for watch, exchanges in staying.items():
            try:
                watch.look([exchange.stay for exchange in exchanges if exchange.stay is not None])
                for exchange in exchanges:
                    self._look_after(exchange)
            except Exception:  # of the database, mostly: they wait on
                self._log.exception("Error while looking after waiting clients")
                self._look_at = clock() + LOOK_AGAIN_SECONDS
            finally:
                watch.rest()
        if self._is_stopping:
            self._stop()
        if clock() >= ENDING.at:
            self._break_off()

    def _break_off(self) -> None:
        """End by a reset what clients have not read in time, so that they do not take it for the whole answer."""
        for exchange in [each for each in self._parked if each.socket.is_behind and each.failure is None]:
            exchange.failure = ConnectionResetError(errno.ECONNRESET, "The server ends.")
            self._settle(exchange)

    def _look_after(self, exchange: Exchange) -> None:
        stay = exchange.stay
        if exchange not in self._parked or stay is None:
            return
        refused = stay.refusal()
        if refused is not None and isinstance(stay, Wait):
            stay.refused, stay.is_over = refused, True
        elif refused is not None:
            exchange.failure = AccessGone()
        else:
            with _failing(exchange):
                exchange.send_news()
        self._settle(exchange)

    def _check_rate(self, exchange: Exchange) -> None:
        """Judge what is sent again, and stop sending to a client that hardly reads."""
        judge = exchange.socket.judge
        if exchange.stay is None and judge is not None and judge.refusal_when_due() is not None:
            exchange.failure = AccessGone()
        elif exchange.behind_since is not None and clock() - exchange.behind_since >= RATE_SECONDS:
            arrived = _arrived(exchange)
            if arrived - exchange.behind_bytes < LOWEST_RATE * RATE_SECONDS:
                exchange.failure = ConnectionResetError(errno.ECONNRESET, "The client reads too slowly.")
            exchange.behind_since, exchange.behind_bytes = clock(), arrived
        if exchange.failure is not None:
            self._settle(exchange)

    def _go_on(self, exchange: Exchange) -> None:
        self._parked.discard(exchange)
        self._listen(exchange, 0)
        if isinstance(exchange.stay, Wait):
            self._due.append(exchange)
            self._answer_due()
        else:
            self._resume(exchange)

    def _answer_due(self) -> None:
        while self._free and self._due:
            self._free -= 1
            self._resume(self._due.popleft())

    def _answered(self) -> None:
        self._free += 1
        self._answer_due()

    def _stop(self) -> None:
        self._is_stopping = True
        for exchange in list(self._parked):
            if exchange.stay is not None:
                exchange.stay.is_over = True
                self._settle(exchange)

    def _close(self, connection: socket.socket) -> None:
        try:
            connection.setblocking(False)
            connection.shutdown(socket.SHUT_WR)
            self._selector.register(connection, selectors.EVENT_READ, connection)
        except (OSError, ValueError):  # it is gone, or is to be reset
            connection.close()
        else:
            self._closing[connection] = [clock() + _LINGER_SECONDS, _LINGER_BYTES]

    def _drop(self, connection: socket.socket) -> None:
        """Read what a client still sends, and throw it away."""
        try:
            dropped = len(connection.recv(_DROPPED_AT_ONCE))
        except BlockingIOError:
            return
        except OSError:
            dropped = 0
        self._closing[connection][1] -= dropped
        if not dropped or self._closing[connection][1] <= 0:
            self._end_connection(connection)

    def _end_closing(self) -> None:
        for connection in [each for each, (until, _) in self._closing.items() if clock() >= until]:
            self._end_connection(connection)

    def _end_connection(self, connection: socket.socket) -> None:
        del self._closing[connection]
        self._selector.unregister(connection)
        connection.close()

    def _closed_event(self, closed: threading.Event) -> None:
        if self._closing:
            threading.Timer(0.05, self._command, [lambda: self._closed_event(closed)]).start()
        else:
            closed.set()


@contextlib.contextmanager
def _failing(exchange: Exchange) -> Any:
    """Have a connection that fails, or an answer that must not go on, end its exchange and nothing else."""
    try:
        yield
    except OSError as error:
        exchange.failure = error


def _arrived(exchange: Exchange) -> int:
    """Return how much the client's side has taken of what was sent."""
    try:
        queued = struct.unpack("i", fcntl.ioctl(exchange.inner, termios.TIOCOUTQ, b"\0\0\0\0"))[0]
    except OSError:
        queued = 0
    return int(exchange.socket.sent_bytes - queued)
