"""A socket that sends headers together with the first bytes of the body, and does not wait for slow clients."""

import os
import select
import socket
import time
from collections import deque
from typing import IO, Any, Protocol

_END_OF_HEADERS = b"\r\n\r\n"
# What comes before the answer: nothing follows until the client has gone on.
_INTERIM = b"HTTP/1.1 1"
# Beyond this, to copy a body costs more than to send it by itself.
_COPIED = 64 * 1024
# How much of a file is sent at once.
_FILE_PART = 512 * 1024


class Judge(Protocol):
    """Judges again whether what is sent may be sent."""

    def keep_on(self) -> None:
        """Let the answer go on.

        Raises:
            AccessGone: when it must not.
        """

    def refusal_when_due(self) -> object | None:
        """Return the refusal, None while the request is allowed."""


class _FilePart:
    """A part of a file that is to be sent."""

    def __init__(self, file: IO[bytes], start: int, end: int) -> None:
        self.file = file
        self.start = start
        self.end = end


class HeaderBufferingSocket:
    """A socket that holds the headers of an answer back until its first bytes are there, or until it is flushed.

    Where it `never_waits`, what a client does not take at once is kept, until `drain` has sent it.
    """

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._held = b""
        self._is_begun = False
        self._kept: deque[memoryview | _FilePart] = deque()
        self.sent_bytes = 0
        # One with TLS has no way to send without waiting.
        self.never_waits = type(inner) is socket.socket
        self.judge: Judge | None = None

    def watch(self, judge: Judge) -> None:
        """Have what is sent judged again by `judge` while it takes long."""
        self.judge = judge

    @property
    def is_behind(self) -> bool:
        """Whether something is kept that the client has not taken yet."""
        return bool(self._kept)

    @property
    def kept_bytes(self) -> int:
        """How much memory is taken by what is kept."""
        return sum(len(part) for part in self._kept if isinstance(part, memoryview))

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
        self._send(data)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send `count` bytes of a file from `offset` on (None: all that follow), and return how many are sent.

        Raises:
            OSError: as a socket does.
            AccessGone: when the answer must not go on.
        """
        self.flush()
        if not self.never_waits:
            return self._inner.sendfile(file, offset, count)
        there = os.fstat(file.fileno()).st_size
        end = there if count is None else min(offset + count, there)
        part = _FilePart(file, offset, end)
        self._kept.append(part)
        self.drain()
        return end - offset

    def flush(self) -> None:
        """Send what is held: nothing follows it.

        Raises:
            OSError: as a socket does.
        """
        held, self._held = self._held, b""
        if held:
            self._send(held)

    def drain(self, seconds: float = 0.0) -> bool:
        """Send what is kept, and wait for the client no longer than so many seconds; return whether all is sent.

        A client that reads as fast as one sends is not waited for.

        Raises:
            OSError: as a socket does.
            AccessGone: when the answer must not go on.
        """
        while self._kept:
            if self._send_some():
                continue
            if seconds <= 0:
                return False
            begun_at = time.monotonic()
            waiting = select.poll()
            waiting.register(self._inner, select.POLLOUT)
            waiting.poll(seconds * 1000)
            seconds -= time.monotonic() - begun_at
        return True

    def _send(self, data: bytes) -> None:
        if not self.never_waits:
            self._inner.sendall(data)
            return
        if not self._kept:
            try:
                sent = self._inner.send(data, socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            self.sent_bytes += sent
            if sent == len(data):
                return
            data = memoryview(data)[sent:]  # type: ignore[assignment]  # the rest of it
        self._kept.append(memoryview(data))

    def _send_some(self) -> bool:
        """Send some of what comes first; return whether the client has taken any."""
        first = self._kept[0]
        try:
            if isinstance(first, _FilePart):
                sent = self._send_file(first)
            else:
                sent = self._inner.send(first, socket.MSG_DONTWAIT)
                self._kept[0] = first[sent:]
                if sent == len(first):
                    self._kept.popleft()
        except BlockingIOError:
            return False
        self.sent_bytes += sent
        if self.judge is not None and self._kept:
            self.judge.keep_on()
        return True

    def _send_file(self, part: _FilePart) -> int:
        self._inner.setblocking(False)
        try:
            size = min(_FILE_PART, part.end - part.start)
            sent = os.sendfile(self._inner.fileno(), part.file.fileno(), part.start, size) if size else 0
        finally:
            self._inner.setblocking(True)
        part.start += sent
        if not sent or part.start >= part.end:  # the file may have become shorter
            self._kept.popleft()
        return sent

    def __getattr__(self, name: str) -> Any:
        # All other uses of a socket come after the headers.
        self.flush()
        return getattr(self._inner, name)
