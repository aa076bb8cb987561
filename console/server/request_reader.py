"""What has come of a request, until a thread can answer it without waiting for its client."""

import re
import select
import time
from enum import Enum, auto
from typing import Any

from gunicorn.http.unreader import SocketUnreader

from console.http.server_ends import ServerEnds
from console.server.limits import ENDING, HEADER_SECONDS, LOWEST_RATE

# How large the headers may be together, and how large a body is that is waited for without a thread.
MAX_HEAD = 64 * 1024
SMALL_BODY = 64 * 1024
# How often a thread that waits for a body looks up whether the process ends.
_LOOK_UP_SECONDS = 0.5
_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_ABOUT_BODY = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:", re.IGNORECASE)
# How many digits gunicorn takes for a length, and how many without leading zeros are more than any body has.
_MOST_DIGITS = 4300
_DIGITS_OF_LARGE = 19

clock = time.monotonic


class Progress(Enum):
    """How far a request has come."""

    MORE = auto()  # the rest is waited for
    READY = auto()  # a thread can answer it: it is whole, or malformed
    LARGE = auto()  # the headers are whole, and a thread has to read the body
    TOO_LARGE = auto()  # the headers are too large
    MALFORMED = auto()  # it is not clear where the body ends


class RequestReader:
    """The bytes of one request, as they come."""

    __slots__ = ("_end", "_searched", "begun_at", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self.begun_at: float | None = None
        self._searched = 0
        self._end: int | None = None  # of the request, once the headers are there

    def add(self, data: bytes) -> None:
        """Take what has come."""
        if self.begun_at is None:
            self.begun_at = clock()
        self.data += data

    def progress(self, limit_line: int) -> Progress:
        """Tell how far the request has come; `limit_line` is how long its first line may be."""
        if self._end is None:
            data = self.data
            start = 2 if data.startswith(b"\r\n") else 0  # one empty line may come before a request
            at = data.find(_END, max(start, self._searched - 3))
            if at < 0:
                self._searched = len(data)
                return self._progress_of_head(start, limit_line)
            if at > MAX_HEAD:
                return Progress.TOO_LARGE
            try:
                length = _read_length(data, at + len(_LINE_END))
            except ValueError:
                return Progress.MALFORMED
            if length is None:
                return Progress.LARGE
            self._end = at + len(_END) + length
        return Progress.READY if len(self.data) >= self._end else Progress.MORE

    def seconds_given(self) -> float:
        """Return how long after its beginning the request must be whole: for the headers, or a body that comes."""
        return HEADER_SECONDS + (0.0 if self._end is None else len(self.data) / LOWEST_RATE)

    def _progress_of_head(self, start: int, limit_line: int) -> Progress:
        data = self.data
        if len(data) > MAX_HEAD:
            return Progress.TOO_LARGE
        is_wrong = data.count(b"\n") != data.count(b"\r\n")
        is_wrong |= len(data) > limit_line + 4 and data.find(b"\r\n", start, limit_line + 4) < 0
        return Progress.READY if is_wrong else Progress.MORE


def _read_length(data: bytearray, end_of_head: int) -> int | None:
    """Return the length of a small body in bytes, 0 for none; None for one that a thread has to read.

    Nothing that gunicorn takes for a body may be taken for none here.

    Raises:
        ValueError: when it is not clear where the body ends (RFC 9112, section 6.3), which gunicorn refuses as well.
    """
    lengths, others = [], set()
    for found in _ABOUT_BODY.finditer(data, 0, end_of_head):
        name = found[1].lower()
        if name == b"content-length":
            lengths.append(bytes(data[found.end() : data.index(_LINE_END, found.end())]).strip(b" \t"))
        else:
            others.add(name)
    if not lengths:
        return None if others else 0
    given = lengths[0]
    is_clear = len(lengths) == 1 and b"transfer-encoding" not in others
    if not is_clear or not given.isdigit() or len(given) > _MOST_DIGITS:
        raise ValueError("The length is no length.")
    significant = given.lstrip(b"0")
    if others or len(significant) >= _DIGITS_OF_LARGE:
        return None
    length = int(significant or b"0")
    return length if length <= SMALL_BODY else None


class TooSlow(TimeoutError):
    """A client sends its body more slowly than the lowest rate."""


class PacedUnreader(SocketUnreader):
    """Gives gunicorn's parser what has come already, and then reads from the socket, if that is not too slow."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._begun_at = 0.0
        self._received = 0

    def begin(self, data: bytes) -> None:
        """Begin a request with what has come of it."""
        self.unread(data)
        self._begun_at, self._received = clock(), 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next bytes of the connection.

        Raises:
            TooSlow: when they have come too slowly.
            ServerEnds: when the process has to end.
            TimeoutError: when the socket's own timeout is over.
        """
        self._wait()
        data: bytes = super().chunk(size_hint)  # type: ignore[call-arg]  # the stubs are of an older one
        self._received += len(data)
        return data

    def _wait(self) -> None:
        begun_at, timeout = clock(), self.sock.gettimeout()
        seconds = self._begun_at + HEADER_SECONDS + self._received / LOWEST_RATE - begun_at
        until = begun_at + max(0.0, seconds if timeout is None else min(seconds, timeout))
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        while not waiting.poll(min(_LOOK_UP_SECONDS, max(0.0, until - clock())) * 1000):
            if clock() >= ENDING.at:
                raise ServerEnds
            if clock() >= until:
                raise TooSlow if timeout is None or seconds < timeout else TimeoutError
        if clock() >= ENDING.at:  # however fast it comes
            raise ServerEnds
