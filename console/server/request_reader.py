"""What has come of a request, until a thread can answer it without waiting for its client."""

import re
import select
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from gunicorn.http.unreader import SocketUnreader

from console.http.server_ends import ServerEnds
from console.server.limits import ENDING, HEADER_SECONDS, LOWEST_RATE, RATE_WHERE_OTHERS_WAIT

# How large the headers may be together, and how much of a body is read without a thread.
MAX_HEAD = 64 * 1024
READ_AHEAD = 1024 * 1024
_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
_ABOUT_BODY = re.compile(rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:", re.IGNORECASE)
_FORWARDED_FOR = re.compile(rb"\r\nx-forwarded-for[ \t]*:([^\r\n]*)", re.IGNORECASE)
# How many digits gunicorn takes for a length, and how many say how long a chunk is that may be whole.
_MOST_DIGITS = 4300
_CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,16})[ \t]*(?:;.*)?", re.IGNORECASE)
_MAX_CHUNK_LINE = 8190
# How long a slow body keeps its place while others wait for one; and how often a thread that waits looks up whether
# they do, and whether the process ends.
_PRESSED_SECONDS = HEADER_SECONDS / 2
_SLICE_SECONDS = min(0.5, _PRESSED_SECONDS / 2)

clock = time.monotonic


class Progress(Enum):
    """How far a request has come."""

    MORE = auto()  # the rest is waited for
    READY = auto()  # a thread can answer it: it is whole, or malformed
    LARGE = auto()  # so much of the body is there that a thread has to read the rest
    TOO_LARGE = auto()  # the headers are too large
    MALFORMED = auto()  # it is not clear where the body ends


class RequestReader:
    """The bytes of one request, as they come."""

    __slots__ = ("_body", "_searched", "awaits_continue", "begun_at", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self.begun_at: float | None = None
        self.awaits_continue = False  # before it sends the body
        self._searched = 0
        self._body: _Body | None = None  # once the headers are there

    def add(self, data: bytes) -> None:
        """Take what has come."""
        if self.begun_at is None:
            self.begun_at = clock()
        self.data += data

    def progress(self, limit_line: int) -> Progress:
        """Tell how far the request has come; `limit_line` is how long its first line may be."""
        data = self.data
        if self._body is None:
            start = 2 if data.startswith(_LINE_END) else 0  # one empty line may come before a request
            at = data.find(_END, max(start, self._searched - 3))
            if at < 0:
                self._searched = len(data)
                return self._progress_of_head(start, limit_line)
            if at > MAX_HEAD:
                return Progress.TOO_LARGE
            try:
                self._body = _find_body(data, at + len(_LINE_END))
            except ValueError:
                return Progress.MALFORMED
            self.awaits_continue = self._body.is_expected and not data.startswith(
                b"HTTP/1.0", data.find(b"\r", start) - 8
            )
        progress = self._body.progress(data)
        return Progress.LARGE if progress is Progress.MORE and self._body.count(data) >= READ_AHEAD else progress

    def seconds_given(self) -> float:
        """Return how long after its beginning the request must be whole: for the headers, or a body that comes."""
        return HEADER_SECONDS + (0.0 if self._body is None else len(self.data) / LOWEST_RATE)

    def ahead_bytes(self) -> int:
        """Return how much of the body is there."""
        return 0 if self._body is None else self._body.count(self.data)

    def has_head(self) -> bool:
        """Tell whether the headers are whole."""
        return self._body is not None

    def is_for_api(self) -> bool:
        """Tell whether the API is asked, as far as can be seen."""
        line = bytes(self.data[:MAX_HEAD]).lstrip().partition(_LINE_END)[0]
        return line.partition(b" ")[2].startswith(b"/v2/")

    def forwarded_for(self) -> str:
        """Return the client's address that a proxy has added last, empty where there is none."""
        found = _FORWARDED_FOR.findall(self.data, 0, max(0, self.data.find(_END)))
        return found[-1].rpartition(b",")[2].strip().decode("latin-1") if found else ""

    def _progress_of_head(self, start: int, limit_line: int) -> Progress:
        data = self.data
        if len(data) > MAX_HEAD:
            return Progress.TOO_LARGE
        is_wrong = data.count(b"\n") != data.count(b"\r\n")
        is_wrong |= len(data) > limit_line + 4 and data.find(b"\r\n", start, limit_line + 4) < 0
        return Progress.READY if is_wrong else Progress.MORE


class _Body:
    """A body whose length is known beforehand."""

    def __init__(self, begins_at: int, length: int, *, is_expected: bool) -> None:
        self.is_expected = is_expected  # the client waits until it is told to send it
        self._begins_at = begins_at
        self._length = length

    def count(self, data: bytearray) -> int:
        """Return how many bytes of it are there."""
        return max(0, len(data) - self._begins_at)

    def progress(self, data: bytearray) -> Progress:
        """Tell whether it is whole."""
        return Progress.READY if self.count(data) >= self._length else Progress.MORE


class _ChunkedBody(_Body):
    """A body of chunks (RFC 9112, section 7.1)."""

    def __init__(self, begins_at: int, *, is_expected: bool) -> None:
        super().__init__(begins_at, 0, is_expected=is_expected)
        self._at = begins_at  # of the first chunk that is not whole

    def progress(self, data: bytearray) -> Progress:
        """Tell whether it is whole; where it is malformed a thread reads it, and refuses it."""
        while (end := data.find(_LINE_END, self._at, self._at + _MAX_CHUNK_LINE)) >= 0:
            found = _CHUNK_SIZE.fullmatch(data, self._at, end)
            if found is None:
                return Progress.LARGE
            size = int(found[1], 16)
            if size == 0:
                is_whole = data.find(_END, end) >= 0  # the line's own end and an empty line, or that after trailers
                return Progress.READY if is_whole else Progress.MORE
            after = end + len(_LINE_END) + size + len(_LINE_END)
            if after > len(data):
                return Progress.MORE
            self._at = after
        return Progress.MORE if len(data) - self._at < _MAX_CHUNK_LINE else Progress.LARGE


def _find_body(data: bytearray, end_of_head: int) -> _Body:
    """Return the body that comes after the headers.

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
    is_chunked, is_expected = b"transfer-encoding" in others, b"expect" in others
    begins_at = end_of_head + len(_LINE_END)
    if is_chunked and not lengths:
        return _ChunkedBody(begins_at, is_expected=is_expected)
    given = lengths[0] if lengths else b"0"
    if is_chunked or len(lengths) > 1 or not given.isdigit() or len(given) > _MOST_DIGITS:
        raise ValueError("The length is no length.")
    return _Body(begins_at, int(given), is_expected=is_expected)


class TooSlow(TimeoutError):
    """A client sends its body more slowly than the lowest rate."""


class PacedUnreader(SocketUnreader):
    """Gives gunicorn's parser what has come already, and then reads from the socket, if that is not too slow."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._begun_at = 0.0
        self._received = 0
        self._is_pressed: Callable[[], bool] = bool  # False
        self._waited_seconds, self._waited_bytes = 0.0, 0

    def begin(self, data: bytes, is_pressed: Callable[[], bool] = bool) -> None:
        """Begin a request with what has come of it; `is_pressed` tells whether others wait for the rest of it."""
        self.unread(data)
        self._begun_at, self._received = clock(), 0
        self._is_pressed = is_pressed
        self._waited_seconds, self._waited_bytes = 0.0, 0

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
        self._waited_bytes += len(data)
        return data

    def _wait(self) -> None:
        begun_at, timeout = clock(), self.sock.gettimeout()
        seconds = self._begun_at + HEADER_SECONDS + self._received / LOWEST_RATE - begun_at
        until = begun_at + max(0.0, seconds if timeout is None else min(seconds, timeout))
        waiting = select.poll()
        waiting.register(self.sock, select.POLLIN)
        is_there = False
        while not is_there:
            begun_at = clock()
            is_there = bool(waiting.poll(max(0.0, min(until - begun_at, _SLICE_SECONDS)) * 1000))
            self._waited_seconds += clock() - begun_at
            if clock() >= ENDING.at:  # however fast it comes
                raise ServerEnds
            self._check_pressed()
            if not is_there and clock() >= until:
                raise TooSlow if timeout is None or seconds < timeout else TimeoutError

    def _check_pressed(self) -> None:
        """Judge how fast the body has come since it was last judged, while it was waited for."""
        if self._waited_seconds < _PRESSED_SECONDS:
            return
        if self._waited_bytes < self._waited_seconds * RATE_WHERE_OTHERS_WAIT and self._is_pressed():
            raise TooSlow
        self._waited_seconds, self._waited_bytes = 0.0, 0
