"""A socket that sends headers together with the first bytes of the body."""

import os
import select
import socket
from collections.abc import Callable
from typing import IO, Any

_END_OF_HEADERS = b"\r\n\r\n"
# What comes before the answer: nothing follows until the client has gone on.
_INTERIM = b"HTTP/1.1 1"
# Beyond this, to copy a body costs more than to send it by itself.
_COPIED = 64 * 1024
# How much of a file is sent at once, and for how many milliseconds a client that does not read is waited for at once.
_FILE_PART = 512 * 1024
WAIT_MILLISECONDS = 5000


class HeaderBufferingSocket:
    """A socket that holds the headers of an answer back until its first bytes are there, or until it is flushed."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._held = b""
        self._is_begun = False
        self._keep_on: Callable[[], None] | None = None

    def watch(self, keep_on: Callable[[], None]) -> None:
        """Call `keep_on` while something is sent and takes long; what it raises ends the answer."""
        if type(self._inner) is socket.socket:  # one with TLS has no way to send without waiting
            self._keep_on = keep_on

    def sendall(self, data: bytes) -> None:
        """Send what is held and `data`, or hold `data`, if it is the headers.

        Raises:
            OSError: as a socket does.
            AccessGone: when the answer must not go on.
        """
        if not self._is_begun and data.endswith(_END_OF_HEADERS) and not data.startswith(_INTERIM):
            self._held, self._is_begun = data, True
            return
        if self._held and len(data) <= _COPIED:
            self._held, data = b"", self._held + data
        self.flush()
        self._send(data)

    def sendfile(self, file: IO[bytes], offset: int = 0, count: int | None = None) -> int:
        """Send `count` bytes of a file from `offset` on (None: all that follow), and return how many were sent.

        Raises:
            OSError: as a socket does.
            AccessGone: when the answer must not go on.
        """
        self.flush()
        if self._keep_on is None:
            return self._inner.sendfile(file, offset, count)
        self._inner.setblocking(False)
        try:
            return self._send_file(file.fileno(), offset, count, self._keep_on)
        finally:
            self._inner.setblocking(True)

    def flush(self) -> None:
        """Send what is held: nothing follows it.

        Raises:
            OSError: as a socket does.
        """
        held, self._held = self._held, b""
        if held:
            self._send(held)

    def _send(self, data: bytes) -> None:
        if self._keep_on is None:
            self._inner.sendall(data)
            return
        left = memoryview(data)
        while left:
            try:
                sent = self._inner.send(left, socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
                self._wait()
            left = left[sent:]
            if left:
                self._keep_on()

    def _send_file(self, file: int, offset: int, count: int | None, keep_on: Callable[[], None]) -> int:
        start, end = offset, os.fstat(file).st_size if count is None else offset + count
        while offset < end:
            try:
                sent = os.sendfile(self._inner.fileno(), file, offset, min(_FILE_PART, end - offset))
            except BlockingIOError:
                self._wait()
            else:
                if not sent:
                    break  # the file is shorter
                offset += sent
            keep_on()
        return offset - start

    def _wait(self) -> None:
        """Wait until the client has read something, but not for long."""
        waiting = select.poll()
        waiting.register(self._inner, select.POLLOUT)
        waiting.poll(WAIT_MILLISECONDS)

    def __getattr__(self, name: str) -> Any:
        # All other uses of a socket come after the headers.
        self.flush()
        return getattr(self._inner, name)
